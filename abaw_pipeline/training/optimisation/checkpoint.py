"""What a training that was killed goes on from, as one file."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.progress import say
from abaw_pipeline.runtime.storage import CannotWrite

_DAMAGES = (OSError, EOFError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError)


class Checkpoint:
    """The file of one training.

    Args:
        key: digest of everything the training is made from; a file with another one is of no use to it.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        self._told = False

    def load(self) -> dict[str, Any] | None:
        """What was saved last, tensors on the CPU; ``None`` where there is nothing to go on from."""
        if not self.path.is_file():
            return None
        try:
            with zipfile.ZipFile(self.path) as parts:  # torch does not look at the checksums that it writes
                sound = parts.testzip() is None
            state = torch.load(self.path, map_location="cpu", weights_only=True) if sound else None
        except _DAMAGES:
            state = None
        if not isinstance(state, dict):
            say(f"{self.path}: damaged; the training begins anew")
            return None
        if state.get("key") != self.key:
            say(f"{self.path}: made from other settings, code or data; the training begins anew")
            return None
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Write what the training is to go on from, in one rename.

        A full disk does not stop the training: it has room kept for its model, and may well end.
        """
        whole = io.BytesIO()
        torch.save({"key": self.key, **state}, whole)  # torch's own writer does not say why it could not write
        try:
            with atomic(self.path) as temporary:
                temporary.write_bytes(whole.getbuffer())
        except CannotWrite as fault:
            if not self._told:
                say(f"{self.path}: a full or read-only disk ({fault.free}); killed now, the training would lose epochs")
            self._told = True

    def remove(self) -> None:
        """The training is over and its model kept."""
        self.path.unlink(missing_ok=True)
