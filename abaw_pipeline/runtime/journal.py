"""What jobs really did: one line per finished piece of work (a clip extracted, an epoch trained, a clip predicted).

``<results>/journal/<stage>/<job>.jsonl``, one file a job, so that no two writers share one. A job that finds
nothing to do writes nothing. ``abaw status`` reads rates and what is under way from these files; tests count work.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.progress import say
from abaw_pipeline.runtime.storage import CannotWrite, writing


class Journal:
    """Appends to one job's journal.

    Args:
        path: the file; ``None`` keeps no journal.
        unit: what is counted: ``clip``, ``epoch`` or ``file``.
    """

    def __init__(self, path: Path | None, unit: str = "clip") -> None:
        self._path, self._unit = path, unit
        self._began = time.monotonic()
        self._done = self._frames = 0
        self._told = False

    def begin(self, todo: int, device: str = "", key: str = "") -> None:
        """Work starts: ``todo`` units.

        Args:
            device: ``cpu``, or the name of a GPU.
            key: of what decides the speed: what other jobs of this key did in a second, this one does too.
        """
        self._began = time.monotonic()
        about = {"host": socket.gethostname(), "pid": os.getpid(), "device": device, "key": key}
        self._write({"begin": todo, "unit": self._unit, **about})

    def did(self, name: str | int, size: int | None = None) -> None:
        """One unit is finished and lies in its place; ``size`` is its number of frames."""
        self._done, self._frames = self._done + 1, self._frames + (size or 0)
        self._write({"did": name} | ({} if size is None else {"size": size}))

    def end(self) -> None:
        """Everything that was begun is done, or was reported as left out."""
        self._write({"end": True})

    def sentence(self, verb: str, total: int) -> str:
        """``3 clips extracted (612 frames, 153 a second), 34 up to date``: what was done of ``total`` units."""
        if not self._done:
            return f"{total} {self._unit}s up to date"
        seconds = max(time.monotonic() - self._began, 1e-3)
        rate = f" ({self._frames} frames, {self._frames / seconds:.0f} a second)" if self._frames else ""
        kept = f", {total - self._done} up to date" if total > self._done else ""
        return f"{self._done} {self._unit}{'' if self._done == 1 else 's'} {verb}{rate}{kept}"

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        line = json.dumps({"at": round(time.time(), 3), **entry}, ensure_ascii=False) + "\n"
        try:
            with writing(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("ab") as stream:
                    stream.write(line.encode())
        except CannotWrite as fault:  # what is counted matters more than the count: a training has room kept for it
            if not self._told:
                say(f"{self._path}: a full or read-only disk ({fault.free}); the work goes on uncounted")
            self._told = True
            if self._path.is_file() and not self._path.stat().st_size:
                self._path.unlink()  # made, and nothing fitted into it


NO_JOURNAL = Journal(None)
"""For calls whose work nobody counts."""


@dataclass
class Stretch:
    """One working call of a job: what it set out to do, and what it had done by when (seconds since the epoch)."""

    began: float
    todo: int
    unit: str
    host: str
    pid: int
    device: str = ""
    key: str = ""
    did: list[tuple[float, str]] = field(default_factory=list)
    frames: int = 0
    ended: bool = False

    @property
    def seconds(self) -> float:
        """From its start until the latest unit was done; 0 before the first."""
        return self.did[-1][0] - self.began if self.did else 0.0

    @property
    def rate(self) -> float | None:
        """Units a second so far; ``None`` before the first."""
        return len(self.did) / self.seconds if self.seconds > 0 else None

    @property
    def running(self) -> bool:
        """Whether its process is still there; one on another machine counts as running until it says that it ended."""
        if self.ended:
            return False
        return self.host != socket.gethostname() or Path(f"/proc/{self.pid}").exists()


def stretches(path: Path) -> list[Stretch]:
    """Every working call of a job, in order. A line that a kill or a full disk cut short is passed over."""
    found: list[Stretch] = []
    for entry in _entries(path):
        if "begin" in entry:
            place = {name: entry.get(name, "") for name in ("device", "key")}  # they were not always noted
            found.append(Stretch(entry["at"], entry["begin"], entry["unit"], entry["host"], entry["pid"], **place))
        elif found and "did" in entry:
            found[-1].did.append((entry["at"], str(entry["did"])))
            found[-1].frames += entry.get("size", 0)
        elif found and "end" in entry:
            found[-1].ended = True
    return found


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
