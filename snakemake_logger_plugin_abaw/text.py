"""The words: lengths of time, counts per rule, commands as a person types them."""

from __future__ import annotations

import re
from collections.abc import Mapping

REDIRECTION = re.compile(r"\s*>\s*\S+\s+2>&1\s*$")
PROGRAM = re.compile(r"(?:PYTHONPATH='[^']*' )?(?:'[^']+'|[^\s(]+) -m abaw_pipeline\b")
STATUS = re.compile(r"returned non-zero exit status (\d+)|died with <Signals\.(\w+)")
KILLED = 137  # 128 + SIGKILL, what a shell returns for a command that was killed


def length(seconds: float) -> str:
    """A length of time in its two largest units, e.g. ``4 min 10 s``."""
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s".replace(" 0 s", "")
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min".replace(" 0 min", "")
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h".replace(" 0 h", "")


def many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def jobs(number: int) -> str:
    return many(number, "job")


def counts(stats: Mapping[str, int], where: str = "") -> str:
    """One line: how many jobs there are, and of which rules, in the order of the graph."""
    rules = ", ".join(f"{number} {rule}" for rule, number in stats.items() if rule != "total")
    return f"{jobs(stats['total'])}{where}: {rules}"


def typed(command: str) -> str:
    """A job's shell command as a person types it: ``abaw ...``, without the redirection to the log."""
    command = PROGRAM.sub("abaw", REDIRECTION.sub("", command.strip()))
    return command[1:-1] if command.startswith("(") and command.endswith(")") else command


def ending(error: str) -> str:
    """How a command ended, from Snakemake's account of it; empty where it does not say."""
    found = STATUS.search(error)
    if found is None:
        return ""
    status, signal = found.groups()
    if signal:
        return f"killed by {signal}"
    return "killed, as happens when memory runs out" if int(status) == KILLED else f"exit status {status}"


def cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: max(width - 3, 0)] + "..."
