"""Text files that people write or edit."""

from __future__ import annotations

import zipfile
from pathlib import Path

File = Path | zipfile.Path
"""A file on disk, or one in a zip."""


def text_lines(path: File) -> list[str]:
    """Lines of a UTF-8 file, without byte order mark, carriage returns and empty lines at the end.

    Raises:
        ValueError: the file is not UTF-8 text; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}: line {line}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
