"""Code that was changed and proved to give the same values: ``<results>/adopted.json``, written by ``abaw adopt``.

Keys go on being made from the digest of the earlier code, so nothing has to be stamped anew and nothing is made again.
Without the file the changed code counts, and what it makes is stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.files import read_json, write_json

FILE = "adopted.json"


def adopted_codes(results: Path) -> dict[str, str]:
    """Digest of code as it is now, to the digest of the code it was proved equal to.

    Raises:
        ValueError: the file is damaged.
    """
    return {own: entry["as"] for own, entry in _read(results).items()}


def adopt_code(results: Path, own: str, earlier: str, proof: dict[str, Any]) -> None:
    """Let the code of digest ``own`` count as that of ``earlier``; ``proof`` says what was compared, and when."""
    write_json(results / FILE, {**_read(results), own: {**proof, "as": earlier}})


def _read(results: Path) -> dict[str, dict[str, Any]]:
    path = results / FILE
    return read_json(path, "abaw adopt") if path.exists() else {}
