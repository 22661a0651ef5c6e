"""Lets torchvision, torchaudio and timm be imported beside a CPU-only torch. Import this module before them.

The registry's torchvision and torchaudio are linked against CUDA; beside a CPU-only torch their native parts do not
load, and ``import`` fails although nothing used here needs them. Where they do load (a CUDA build of torch, or CPU
builds of all three) nothing is changed. Where they do not: ``torchvision.ops.nms``, ``torchvision.io.decode_jpeg`` and
``torchaudio.load`` do not work (OpenCV and PyAV do that here).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_fragments: list[torch.library.Library] = []  # a schema lives as long as the Library object that defined it


def _folder(package: str) -> Path | None:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _loads(library: Path) -> bool:
    try:
        torch.ops.load_library(str(library))
    except OSError:
        return False
    return True


def _declare_nms(folder: Path) -> None:
    """Declare the operators whose missing schemas stop ``import torchvision``."""
    if any(_loads(library) for library in folder.glob("_C*.so")):
        return
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        fragment.define(name + _NMS)
    _fragments.append(fragment)


@contextmanager
def _hidden(folder: Path) -> Iterator[None]:
    """Inside the block, ``Path.glob`` and ``Path.exists`` find nothing below ``folder``."""

    def blind(original: Callable[..., Any], nothing: Callable[[], Any]) -> Callable[..., Any]:
        def method(self: Path, *args: Any, **kwargs: Any) -> Any:
            inside = self == folder or folder in self.parents
            return nothing() if inside else original(self, *args, **kwargs)

        return method

    with (
        mock.patch.object(Path, "glob", blind(Path.glob, lambda: iter(()))),
        mock.patch.object(Path, "exists", blind(Path.exists, lambda: False)),
    ):
        yield


def _import_torchaudio(folder: Path) -> None:
    """Import torchaudio; it goes without its native part when it finds no library file."""
    if all(_loads(library) for library in (folder / "lib").glob("libtorchaudio*.so")):
        return
    with _hidden(folder / "lib"):
        importlib.import_module("torchaudio")


def _prepare() -> None:
    if torch.backends.cuda.is_built():
        return
    if (folder := _folder("torchvision")) is not None:
        _declare_nms(folder)
    if (folder := _folder("torchaudio")) is not None:
        _import_torchaudio(folder)


_prepare()
