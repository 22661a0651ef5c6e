"""What a failed job shows: how it ended, the end of its log, where the log is, and how to repeat it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from snakemake_logger_plugin_abaw.job import Job, last_lines
from snakemake_logger_plugin_abaw.text import jobs

NO_NEWS = "For further error details see the cluster/cloud log and the log files of the involved rule(s)."
GROUP_TAIL = 5  # lines of a cluster's log
CLUSTERS_WORD = "slurmstepd"  # begins the lines in which SLURM says why it ended a job, before what the job says after
LISTED = 10  # failed jobs named at the end of a run


def failed_job(job: Job, how: str, said: str, logs: Iterable[Path], tail: int) -> str:
    """The whole message of one failed job, over several lines.

    ``how`` it ended and what was ``said`` of it beyond that (by Snakemake or a cluster) may be empty; ``logs`` are
    its own and those of the cluster, the first that holds anything is shown.
    """
    logs = list(logs)
    shown = next((lines for lines in (last_lines(log, tail) for log in logs) if lines), ["(its log is empty)"])
    remarks = [line for line in said.replace(NO_NEWS, "").splitlines() if line.strip()]
    rows = [
        f"FAILED: {job.label}{f' ({how})' if how else ''}",
        *(f"    {line}" for line in remarks),
        *(f"    | {line}" for line in shown),
        *(f"    log: {log}{'' if log.is_file() else ' (was not written)'}" for log in logs),
    ]
    return "\n".join([*rows, f"    repeat: {job.command}"] if job.command else rows)


def failed_group(record: Mapping[str, Any]) -> str:
    """The lines before the jobs of a failed group, from the fields of a GROUP_ERROR record."""
    rows = [f"FAILED: group {record['groupid']} of {jobs(len(record['job_error_info']))}; their logs say which:"]
    for log in record["aux_logs"]:  # of the cluster: says what no job's own log can, such as the end of its time
        lines = last_lines(Path(log), sys.maxsize)
        said = [line for line in lines[:-GROUP_TAIL] if line.startswith(CLUSTERS_WORD)]
        rows += [f"    | {line}" for line in said + lines[-GROUP_TAIL:]]
        rows.append(f"    log: {log}")
    return "\n".join(rows)


def recap(failed: Iterable[Job], done: int, total: int, time: str) -> str:
    """The end of a run with failed jobs: which, and where their logs are."""
    failed = list(failed)
    rest = max(total - done - len(failed), 0)
    others = "".join(f", {number} {what}" for number, what in ((done, "done"), (rest, "not reached")) if number)
    rows = [f"{len(failed)} of {jobs(total)} failed{others}, in {time}:"]
    rows += [f"    {' '.join([f'{job.label}:', *map(str, job.logs)])}" for job in failed[:LISTED]]
    return "\n".join([*rows, f"    and {len(failed) - LISTED} more"] if len(failed) > LISTED else rows)
