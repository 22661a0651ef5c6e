"""A file system of its own that a test may fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A mounted tmpfs."""

    path: Path

    @contextmanager
    def full(self, but: int = 0) -> Iterator[None]:
        """Inside the block all but ``but`` bytes are taken by a ballast file."""
        ballast = self.path / "ballast"
        status = os.statvfs(self.path)
        with ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, status.f_bavail * status.f_frsize - but))
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Inside the block nothing can be written."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)
        try:
            yield
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(self.path)], check=True)

    def files(self) -> dict[str, bytes]:
        """Content of everything on it but the logs."""
        found = (path for path in self.path.rglob("*") if path.is_file() and "logs" not in path.parts)
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found if path.name != "ballast"}


@contextmanager
def mounted(path: Path, size_mb: int) -> Iterator[Disk]:
    """A disk of ``size_mb`` at ``path``; the test is skipped where mounting is not permitted."""
    path.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(path)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
