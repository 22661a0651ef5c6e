"""Answers of SLURM that its Snakemake plugin (2.8.0) would wait upon for ever, put right before it reads them.

The plugin forgets its jobs when a few queries in a row fail (the controller is being restarted), and takes for running
what sacct calls "CANCELLED by 1000", what was preempted and not queued again, and what SLURM no longer lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from logging import Logger

Answer = tuple[dict[str, str] | None, float | None]
Query = Callable[[str, Logger], Awaitable[Answer]]

GONE_AFTER = 3
"""Answers in a row without a job that was listed before, until the plugin is told to look for its output."""


def patient(query: Query, squeue: Callable[[str], str]) -> Query:
    """The plugin's ``query_job_status``, with answers that end every wait.

    Args:
        query: runs a command (its last word names the run), and gives the state of each job and the seconds it took,
            or ``(None, None)``.
        squeue: the command that lists the jobs of a run.
    """
    unlisted: Counter[str] = Counter()

    async def ask(command: str, logger: Logger) -> Answer:
        states, seconds = await query(command, logger)
        if states is None and command.startswith("sacct"):  # no accounting here, or its data base is away
            states, seconds = await query(squeue(command.split()[-1]), logger)
        if states is None:
            logger.warning("SLURM does not answer; its jobs are taken for running, and it is asked again.")
            return {}, 0.0
        unlisted.update(unlisted.keys() - states.keys())
        for job in states:
            unlisted[job] = 0
        gone = {job: "UNKNOWN" for job, times in unlisted.items() if times >= GONE_AFTER}
        return {job: _plain(state) for job, state in states.items()} | gone, seconds

    return ask


def _plain(state: str) -> str:
    """Without who cancelled it; preempted and not waiting again is as good as cancelled."""
    word = state.split()[0] if state else ""
    return "CANCELLED" if word == "PREEMPTED" else word
