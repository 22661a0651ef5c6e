"""What is said of each of Snakemake's records, and of the whole run at its end."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface

from snakemake_logger_plugin_abaw.board import Board
from snakemake_logger_plugin_abaw.failure import failed_group, failed_job, recap
from snakemake_logger_plugin_abaw.job import TAIL, Job
from snakemake_logger_plugin_abaw.text import counts, ending, jobs, length, many

# How Snakemake goes about its work: --verbose shows it, and .snakemake/log/ has it in any case.
UNTOLD = (
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Using shell: ",
    "Group jobs: inactive",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Activating conda environment: ",
    "Select jobs to execute",
    "Complete log(s): ",
    "Elapsed time: ",
    "Exiting because a job execution failed",
    "Reasons:\n",
    "WorkflowError:\nAt least one job did not complete successfully",
)
CANCELLED = "Terminating processes on user request"
SUBMITTED = re.compile(r"Job \d+ has been submitted with ")
RESTARTED = re.compile(r"Trying to restart job (\d+)")
LACKING = re.compile(r"^Job (\d+)\s+completed successfully, but some output files are missing.*$\n?", re.MULTILINE)

Record = Mapping[str, Any]


class Teller:
    """Turns records into words, and keeps the :class:`Board` of the run while it reads them."""

    def __init__(self, settings: OutputSettingsLoggerInterface) -> None:
        self.settings = settings
        self.quiet = frozenset(settings.quiet or ())
        self.board = Board()
        self.held: list[str] = []  # errors of commands that wait for the job they belong to
        self.where = ""
        self.started: float | None = None
        self.now = 0.0  # time of the latest record
        self.cancelled = False  # by the person: what is killed then has not failed
        self._tell: dict[LogEvent | None, Callable[[Record], str | None]] = {
            None: self._message,
            LogEvent.WORKFLOW_STARTED: _nothing,
            LogEvent.RESOURCES_INFO: self._resources,
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._job,
            LogEvent.JOB_STARTED: _nothing,
            LogEvent.SHELLCMD: self._command,
            LogEvent.GROUP_INFO: _nothing,
            LogEvent.JOB_FINISHED: self._finished,
            LogEvent.PROGRESS: _nothing,
            LogEvent.JOB_ERROR: self._failed,
            LogEvent.GROUP_ERROR: failed_group,
            LogEvent.ERROR: self._error,
        }

    @property
    def progress(self) -> bool:
        return not self.quiet & {Quietness.PROGRESS, Quietness.ALL}

    @property
    def rules(self) -> bool:
        return not self.quiet & {Quietness.RULES, Quietness.ALL}

    def tell(self, record: Record) -> str | None:
        """The words for the fields of a record: empty for none, None to leave them to Snakemake."""
        self.now = record["created"]
        tell = self._tell.get(record.get("event"))
        return tell(record) if tell else None

    def bracket(self, now: float) -> str:
        """Jobs done of all, and the time left where there is ground for it."""
        total = str(self.board.total)
        done = f"{self.board.done:>{len(total)}}/{total}"
        return f"[{', '.join(filter(None, [done, self.board.left(now)]))}]"

    def running(self, now: float) -> str:
        """One line of the jobs that are running; empty when none is."""
        told = [f"{job.label} ({length(now - job.started)})" for job in self.board.running.values()]
        return f"{self.bracket(now)} {len(told)} running: {', '.join(told)}" if told else ""

    def end(self) -> str:
        """What became of the run; empty for a dry run and where no job was to run."""
        board = self.board
        if self.started is None or self.settings.dryrun:
            return ""
        taken = length(self.now - self.started)
        if board.failed:
            return recap(board.failed.values(), board.done, board.total, taken)
        if not self.progress:
            return ""
        stopped = "" if board.done >= board.total else f"stopped: {board.done} of "
        return f"{stopped}{jobs(board.total)} {'done ' * bool(stopped)}in {taken}"

    def _resources(self, record: Record) -> str:
        if "nodes" in record:
            at_once = f", {record['nodes']} at once" if record["nodes"] < sys.maxsize else ""
            self.board.remote, self.where = True, f" on a cluster{at_once}"
        elif "cores" in record:
            self.where = f" on {many(record['cores'], 'core')}"
        gpu = dict((record.get("provided_resources") or {}).items()).get("gpu")
        self.where += f" and {many(gpu, 'GPU')}" if gpu else ""
        return ""

    def _plan(self, record: Record) -> str:
        again, self.started = self.started is not None, self.started or record["created"]
        if self.settings.dryrun:  # told before and after the jobs: what stands last is read
            only = self.quiet == {Quietness.RULES, Quietness.PROGRESS}  # then Snakemake stops after the first
            return counts(record["stats"]) if again or only else ""
        self.board.plan(record["stats"])
        return counts(record["stats"], self.where) if self.progress else ""

    def _job(self, record: Record) -> str:
        job = Job.of(record)
        if not self.settings.dryrun:
            self.board.start(job)
            return ""
        reason = record["reason"] if Quietness.REASON not in self.quiet else ""
        return "\n    because: ".join(filter(None, [job.label, reason])) if self.rules else ""

    def _command(self, record: Record) -> str:
        command = record.get("shellcmd") or record.get("cmd")
        return f"    {command}" if command and self.settings.printshellcmds and self.rules else ""

    def _finished(self, record: Record) -> str:
        finished = self.board.finish(record["job_id"], self.now)
        if finished is None or not self.progress or not self.rules:
            return ""
        job, seconds = finished
        told = ": ".join(filter(None, [job.label, job.outcome()]))
        return f"{self.bracket(self.now)} {told} ({length(seconds)})"

    def _failed(self, record: Record) -> str | None:
        command = record["shellcmd"]
        how = next((text for text in self.held if command and command in text), "")
        if how:
            self.held.remove(how)
        return self._fail(record["jobid"], ending(how), record["rule_msg"] or "", tuple(map(Path, record["log"])))

    def _error(self, record: Record) -> str | None:
        text = str(record["msg"])
        if record["exception"] == "RuleException" and "CalledProcessError" in text:
            self.held.append(text)  # the job's own record follows, and has the command and the log
            return ""
        lacking = LACKING.search(text)
        if lacking:
            how = "done, but its output is not there; a slow file system may need a longer --latency-wait"
            return self._fail(int(lacking[1]), how, text[lacking.end() :])
        return self._message(record)

    def _fail(self, number: int, how: str, said: str, logs: tuple[Path, ...] = ()) -> str | None:
        job = self.board.end(number) if self.cancelled else self.board.fail(number)
        if job is None:
            return None
        if self.cancelled:
            return f"stopped: {job.label}"
        return failed_job(job, how, said, logs or job.logs, sys.maxsize if self.settings.show_failed_logs else TAIL)

    def _message(self, record: Record) -> str | None:
        text = str(record["msg"])
        self.cancelled = self.cancelled or text.startswith(CANCELLED)
        again = RESTARTED.match(text)
        if again and int(again[1]) in self.board.failed:
            return f"once more: {self.board.failed[int(again[1])].label}"
        return "" if text.startswith(UNTOLD) or SUBMITTED.match(text) else None


def _nothing(record: Record) -> str:
    return ""
