"""Snakemake's records as its own logger makes them, for the tests of the logger plugin."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_abaw import LogHandler

PYTHON = "'/opt/a b/python' -m abaw_pipeline --config results/.settings/ab12.json"


def record(at: float, event: LogEvent | None = None, msg: str = "None", level: int = logging.INFO, **fields: Any):
    made = logging.makeLogRecord({"msg": msg, "levelno": level, "levelname": logging.getLevelName(level), **fields})
    made.created = at
    if event:
        made.event = event
    return made


def plan(at: float, **rules: int):
    return record(at, LogEvent.RUN_INFO, stats={**rules, "total": sum(rules.values())})


def started(at: float, number: int, rule: str = "extract", **fields: Any):
    standard = {
        "rule_msg": f"{rule} fbank of demo, shard {number}",
        "wildcards": {"dataset": "demo", "shard": str(number)},
        "log": [f"logs/{number}.log"],
        "benchmark": None,
        "shellcmd": f"{PYTHON} {rule} demo fbank --shard {number} > logs/{number}.log 2>&1",
        "reason": f"Missing output files: {number}.json",
    }
    return record(at, LogEvent.JOB_INFO, jobid=number, rule_name=rule, **{**standard, **fields})


def finished(at: float, number: int):
    return record(at, LogEvent.JOB_FINISHED, job_id=number)


def error(at: float, msg: str, exception: str = "RuleException"):
    return record(at, LogEvent.ERROR, msg, logging.ERROR, exception=exception)


def ended(at: float, number: int, how: str, rule: str = "extract"):
    """Snakemake's account of the command that failed, which names no job."""
    command = started(at, number, rule).shellcmd
    text = 'RuleException:\nCalledProcessError in file "features.smk", line 9:\n'
    return error(at, f"{text}Command 'set -euo pipefail;  {command}' {how}")


def failed(at: float, number: int, rule: str = "extract", said: str | None = None, logs: tuple[str, ...] = ()):
    start = started(at, number, rule)
    fields = {"jobid": number, "rule_name": rule, "rule_msg": said, "shellcmd": start.shellcmd, "indent": False}
    return record(at, LogEvent.JOB_ERROR, level=logging.ERROR, log=[*start.log, *logs], **fields)


class Run:
    """A handler that writes into memory, in a folder for the logs of the jobs."""

    def __init__(self, root: Path, monkeypatch, terminal: bool = False, **settings: Any) -> None:
        self.stream = io.StringIO()
        self.stream.isatty = lambda: terminal  # type: ignore[method-assign]
        self.root = root
        monkeypatch.chdir(root)
        (root / "logs").mkdir(exist_ok=True)
        monkeypatch.setattr("snakemake_logger_plugin_abaw.handler.TICK", 3600.0)  # no line but what a record calls for
        with monkeypatch.context() as patched:
            patched.setenv("TERM", "xterm")
            for name in ("stderr", "stdout"):
                patched.setattr(f"sys.{name}", self.stream)
            self.handler = LogHandler(OutputSettings(**settings), None)

    def log(self, number: int, text: str) -> None:
        (self.root / f"logs/{number}.log").write_text(text)

    def show(self, *records: logging.LogRecord) -> str:
        """What these records add."""
        before = len(self.stream.getvalue())
        for one in records:
            self.handler.handle(one)
        return self.stream.getvalue()[before:]

    def close(self) -> str:
        before = len(self.stream.getvalue())
        self.handler.close()
        return self.stream.getvalue()[before:]
