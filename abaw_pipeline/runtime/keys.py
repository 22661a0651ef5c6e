"""Keys: what made an artefact, as one sha256.

A key is a digest over declared data (settings, digests of weights, code and inputs), never over live objects.
Equal key: the work is skipped. Different key: it is done again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel


def digest(value: Any) -> str:
    """sha256 of JSON-like data; the order of mapping keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def settings_digest(settings: BaseModel) -> str:
    """Digest of a settings model by the values that differ from their defaults.

    A field added later with a default therefore changes no key. Changing a default must be accompanied by a new
    ``version`` of the stage (``tests/test_defaults.py`` holds the two together).
    """
    return digest(settings.model_dump(mode="json", exclude_defaults=True))


def array_digest(*arrays: np.ndarray) -> str:
    """sha256 over dtype, shape and bytes of arrays: the content key of an artefact."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
