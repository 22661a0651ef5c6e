"""A GPU for one job: a lease that ends with its holder, even one that was killed.

Each device has a lock file in a folder that all users of the machine share. A job that wants the device for itself
locks that file; jobs that share it lock the file as readers, and one of a given number of slot files for themselves.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from abaw_pipeline.runtime.gpus import devices
from abaw_pipeline.runtime.lock_files import lock, make_folder, read_note, unlock, write_note
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.progress import say
from abaw_pipeline.runtime.settings import GpuSettings

if TYPE_CHECKING:
    import torch

_POLL_S = 0.5
_TELL_AGAIN_S = 300.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def leased(device: str, gpus: GpuSettings, what: str, share: bool = False) -> Iterator[torch.device]:
    """A device to compute on, which nobody else has inside the block.

    Waits until a GPU is free; where there is none, or ``device`` is ``cpu``, no lease is taken. Enter it before
    anything asks torch for CUDA (importing torch does not): it then sees the one GPU that was leased. A SLURM job
    that was given one GPU uses that; one that was given several leases them among its own processes only.

    Args:
        device: as in the settings: ``auto``, ``cpu`` or ``cuda``.
        what: the job in a few words, told to whoever waits for its GPU.
        share: with others of its kind, as many as the settings say, instead of alone.

    Raises:
        ValueError: ``cuda`` where there is none, a GPU that cannot be leased, or a lease folder that does not work.
    """
    names = [] if device == "cpu" else devices()
    scope = _slurm_step()
    if scope and len(names) == 1:
        names = []
    slots = gpus.trainings_per_device if share and gpus.trainings_per_device > 1 else None
    with ExitStack() as stack:
        if names:
            name = stack.enter_context(lease(names, Path(gpus.leases), what, slots, scope))
            stack.enter_context(_only(name))
        from abaw_pipeline.runtime.device import choose  # imports torch, for which the choice is made now

        chosen = choose(device)
        if names and chosen.type == "cpu":
            say(f"{what}: torch cannot use {name}, computing on the CPU")
        if not names and not scope and chosen.type == "cuda":
            raise ValueError("torch sees a GPU that 'nvidia-smi -L' does not list: name it in CUDA_VISIBLE_DEVICES")
        yield chosen


@contextmanager
def lease(names: Sequence[str], folder: Path, what: str, slots: int | None = None, scope: str = "") -> Iterator[str]:
    """Hold one of the devices ``names``, waiting for one if need be; gives its name.

    Args:
        folder: of the lock files; made when it is missing.
        slots: how many may hold one device like this at once; ``None``: this one alone.
        scope: leases of different scopes do not know each other.

    Raises:
        ValueError: the folder cannot be made, or a lock file not opened or locked.
    """
    files = {name: folder / f"{scope}{escape(name)}.lock" for name in names}
    try:
        make_folder(folder)
        name, locks = _wait(files, what, slots)
    except OSError as error:
        raise ValueError(f"gpus.leases: no GPU can be leased in {folder}: {error}") from None
    try:
        write_note(locks[-1], what)
        yield name
    finally:
        write_note(locks[-1], "")
        unlock(locks)


def _wait(files: dict[str, Path], what: str, slots: int | None) -> tuple[str, list[int]]:
    """The first device that can be had, and its locks; the last of them bears the holder's note."""
    began, told = time.monotonic(), -_TELL_AGAIN_S
    while True:
        # Slot by slot, not device by device: jobs that share spread over the devices.
        for slot in range(slots or 1):
            for name, file in files.items():
                locks = _shared(file, slot) if slots else _alone(file)
                if locks:
                    return name, locks
        waited = time.monotonic() - began
        if waited - told >= _TELL_AGAIN_S:
            told = waited
            say(f"{what}: waiting for a GPU ({waited:.0f} s so far); {_holders(files)}")
        time.sleep(_POLL_S * random.uniform(0.8, 1.2))


def _alone(file: Path) -> list[int]:
    device = lock(file)
    return [] if device is None else [device]


def _shared(file: Path, slot: int) -> list[int]:
    device = lock(file, shared=True)
    if device is None:
        return []
    mine = lock(file.with_suffix(f".{slot}.lock"))
    if mine is None:
        unlock([device])
        return []
    return [device, mine]


def _holders(files: dict[str, Path]) -> str:
    """Who holds which device, for a message."""
    held = []
    for name, file in files.items():
        notes = [read_note(path) for path in (file, *sorted(file.parent.glob(f"{file.stem}.*.lock")))]
        held += [f"{name} is held by {note}" for note in notes if note]
    return "; ".join(held) or "one was freed just now"


def _slurm_step() -> str:
    """Within what SLURM's numbers of devices hold; empty outside SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    return f"slurm-{job}.{os.environ.get('SLURM_STEP_ID', 'batch')}-" if job else ""


@contextmanager
def _only(name: str) -> Iterator[None]:
    """Inside the block CUDA sees this device only."""
    torch = sys.modules.get("torch")
    assert torch is None or not torch.cuda.is_initialized(), "CUDA is in use already: too late to choose a device"
    before = os.environ.get(_VISIBLE)
    os.environ[_VISIBLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VISIBLE]
        else:
            os.environ[_VISIBLE] = before
