"""One job as its start announced it, and what its log and its benchmark say afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake_logger_plugin_abaw.text import typed

TAIL = 15  # lines of its log that a failed job shows


@dataclass(frozen=True)
class Job:
    """A job under way. ``started`` is in seconds since the epoch; on a cluster, when it was handed over."""

    id: int
    rule: str
    label: str
    logs: tuple[Path, ...]
    benchmark: Path | None
    command: str
    started: float

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Job:
        """From the fields of a JOB_INFO record."""
        named = " ".join([record["rule_name"], *map(str, record["wildcards"].values())])
        return cls(
            id=record["jobid"],
            rule=record["rule_name"],
            label=(record["rule_msg"] or named).splitlines()[0],
            logs=tuple(map(Path, record["log"])),
            benchmark=Path(record["benchmark"]) if record["benchmark"] else None,
            command=typed(record["shellcmd"] or ""),
            started=record["created"],
        )

    def outcome(self) -> str:
        """The last line of the log, where every verb says what it did; without where that lies and what is known."""
        lines = [line for log in self.logs for line in last_lines(log, 1)]
        said = lines[-1].split(" -> ")[0] if lines else ""
        return "" if said in self.label else said

    def seconds(self, finished: float) -> float:
        """How long it worked: as its benchmark says, which leaves out waiting in a queue, or else all of its time."""
        whole = max(finished - self.started, 0.0)
        measured = _measured(self.benchmark) if self.benchmark else None
        return whole if measured is None else min(measured, whole)


def last_lines(log: Path, number: int = TAIL) -> list[str]:
    """The last lines of a log that are not empty; none where there is no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError):
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-number:]


def _measured(benchmark: Path) -> float | None:
    """Seconds, the first column of a Snakemake benchmark; None where it is not there (yet) or says nothing."""
    try:
        return float(benchmark.read_text().splitlines()[1].split("\t")[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
