"""Which jobs wait, run, are done and failed, and how much time is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from snakemake_logger_plugin_abaw.job import Job
from snakemake_logger_plugin_abaw.text import length

NO_WORK = ("all",)  # the target: a job that runs nothing

WORTH_TELLING = 60.0  # seconds from which on the least that is left is told


@dataclass
class Spans:
    """When the finished jobs worked; times are seconds since the epoch."""

    jobs: Counter[str] = field(default_factory=Counter)  # per rule
    seconds: dict[str, float] = field(default_factory=dict)  # per rule, of all its jobs together
    first_start: float = inf
    last_start: float = -inf
    first_end: float = inf
    last_end: float = -inf

    def add(self, rule: str, start: float, end: float) -> None:
        self.jobs[rule] += 1
        self.seconds[rule] = self.seconds.get(rule, 0.0) + end - start
        self.first_start, self.last_start = min(self.first_start, start), max(self.last_start, start)
        self.first_end, self.last_end = min(self.first_end, end), max(self.last_end, end)

    def mean(self, rule: str) -> float:
        return self.seconds[rule] / self.jobs[rule]

    def parallel(self) -> float | None:
        """Jobs that worked at the same time, on average; None before one began after another had ended."""
        if self.last_start < self.first_end:
            return None
        return max(sum(self.seconds.values()) / (self.last_end - self.first_start), 1.0)


@dataclass
class Board:
    """The state of one run."""

    remote: bool = False  # jobs are handed to a cluster, and wait there unseen
    total: int = 0
    waiting: Counter[str] = field(default_factory=Counter)  # per rule: jobs that are not finished, running ones too
    known: dict[int, Job] = field(default_factory=dict)  # every job that was started
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    spans: Spans = field(default_factory=Spans)
    done: int = 0
    at_once: int = 1  # jobs that were running when the latest one ended

    def plan(self, stats: Mapping[str, int]) -> None:
        """Take over the number of jobs per rule, ``total`` among them."""
        self.waiting = Counter({rule: number for rule, number in stats.items() if rule != "total"})
        self.total = stats["total"]

    def start(self, job: Job) -> None:
        self.failed.pop(job.id, None)
        self.known[job.id] = self.running[job.id] = job

    def finish(self, number: int, now: float) -> tuple[Job, float] | None:
        """The job and the seconds it worked; None for a job that was never announced."""
        self.done += 1
        self.failed.pop(number, None)
        job = self.end(number)
        if job is None:
            return None
        seconds = job.seconds(now)
        self.waiting[job.rule] -= 1
        self.spans.add(job.rule, now - seconds, now)
        return job, seconds

    def fail(self, number: int) -> Job | None:
        job = self.end(number)
        if job is not None:
            self.failed[number] = job
        return job

    def end(self, number: int) -> Job | None:
        """Take a job off the running ones."""
        self.at_once = max(len(self.running), 1)
        self.running.pop(number, None)
        return self.known.get(number)

    def left(self, now: float) -> str:
        """Time left in words: mean time per rule x jobs left of it / jobs in parallel, and no less than the longest
        job that has not begun; empty without ground.

        Rules of which no job is done yet have no mean: while there are any, the others tell the least it takes, from
        a minute on. What waits for a failed job will not run, and is counted all the same: then it is the most it
        takes, and with both unknown nothing is said.
        """
        left = self.waiting - Counter(job.rule for job in self.failed.values())
        left = Counter({rule: number for rule, number in left.items() if rule not in NO_WORK})
        means = {rule: self.spans.mean(rule) for rule in left if self.spans.jobs[rule]}
        covered, whole = sum(left[rule] for rule in means), left.total()
        parallel = self.spans.parallel() if self.remote else self.at_once
        if not covered or parallel is None or (self.failed and covered < whole):
            return ""
        work = sum(left[rule] * means[rule] for rule in means)
        if not self.remote:
            work -= sum(min(now - job.started, means.get(job.rule, 0.0)) for job in self.running.values())
        begun = Counter(job.rule for job in self.running.values())
        longest = max((means[rule] for rule in means if left[rule] > begun[rule]), default=0.0)  # of those to begin
        seconds = max(work / min(parallel, whole), longest)
        # none left: what is left runs, for longer than jobs of its rule take
        if seconds <= 0 or (covered < whole and seconds < WORTH_TELLING):
            return ""
        bound = "up to " if self.failed else "over " if covered < whole else ""
        return f"{bound}{length(seconds)} left"
