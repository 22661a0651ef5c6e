"""Whole models of transformers: from a folder or a hub, with nothing executed that lies beside the weights."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import nn

from abaw_pipeline.features.weights import FolderWeights, SnapshotWeights
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers, which imports torchvision

import transformers  # isort: skip

_UNUSED = {"pooler", "masked_spec_embed"}
"""Parts that no feature passes through; checkpoints of another task lack them."""
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, EOFError),
    *(SafetensorError, pickle.UnpicklingError),
)
"""What the library raises for files that are lacking, damaged or of a kind that it does not know."""
_CONFIGURATION = ("*.json", "*.txt", "*.model")


def model_folder(weights: FolderWeights | SnapshotWeights) -> Path:
    """The folder of a model, fetched from the hub where it is not there yet: safetensors, or else a state dict.

    Raises:
        ValueError: no such folder, or the hub does not give it.
    """
    if isinstance(weights, FolderWeights):
        return Path(weights.path)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        for kind in ("*.safetensors", "*.bin"):
            wanted = [*_CONFIGURATION, kind]
            folder = Path(snapshot_download(weights.repo, revision=weights.revision, allow_patterns=wanted))
            if any(folder.glob(kind)):
                break
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(f"hub model {weights.repo}@{weights.revision}: {_line(error)}") from None
    return folder


def load_model(kind: Any, folder: Path) -> nn.Module:
    """A model in inference mode, in float32.

    Args:
        kind: the class of transformers to load it with (``AutoModel``).

    Raises:
        ValueError: it cannot be read, needs code of its own, or its weights leave a part of the network unfilled.
    """
    with _quiet():
        network, report = _loaded(kind, folder, output_loading_info=True, ignore_mismatched_sizes=True)
    missing = sorted(key for key in report["missing_keys"] if not _UNUSED & {*key.split(".")})
    shaped = sorted(str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"])
    found = (("missing", missing), ("mis-shaped", shaped))
    if missing or shaped:
        counts = ", ".join(f"{len(keys)} {name}" for name, keys in found)
        first = "; ".join(f"{name}: {', '.join(keys[:5])}" for name, keys in found if keys)
        raise ValueError(f"{folder}: its weights do not fill {type(network).__name__}: {counts} keys; {first}")
    return network.float().eval()


def load_part(kind: Any, folder: Path) -> Any:
    """A tokenizer or feature extractor; ``ValueError`` where there is none that can be read."""
    with _quiet():
        return _loaded(kind, folder)


def _loaded(kind: Any, folder: Path, **options: Any) -> Any:
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False, **options)
    except _UNREADABLE as error:
        raise ValueError(f"{folder}: {kind.__name__} cannot load it: {_line(error)}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars, and without the library's own report, which is checked instead."""
    log = transformers.utils.logging
    before, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        if bars:
            log.enable_progress_bar()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
