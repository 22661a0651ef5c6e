"""Whatever SLURM answers, no job is waited for without end."""

from __future__ import annotations

import asyncio
import logging

from abaw_pipeline.runtime.slurm_status import GONE_AFTER, patient

LOGGER = logging.getLogger(__name__)


class Slurm:
    """Gives ``answers`` one after the other and notes what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self.status = patient(self.query, lambda run: f"squeue --name {run}")

    async def query(self, command, logger):
        self.asked.append(command)
        answer = self.answers.pop(0)
        return (answer, None if answer is None else 0.1)

    def states(self, command="squeue --name r"):
        return asyncio.run(self.status(command, LOGGER))[0]


def test_states_lose_what_the_plugin_does_not_know():
    found = Slurm({"1": "CANCELLED by 1000", "2": "RUNNING", "3": "PREEMPTED", "4": "COMPLETED"}).states()
    assert found == {"1": "CANCELLED", "2": "RUNNING", "3": "CANCELLED", "4": "COMPLETED"}


def test_no_answer_means_still_running(caplog):
    slurm = Slurm({"1": "RUNNING"}, *[None] * (GONE_AFTER + 1), {"1": "COMPLETED"})
    assert slurm.states() == {"1": "RUNNING"}
    for _ in range(GONE_AFTER + 1):
        assert slurm.states() == {}, "not None, by which the plugin would forget its jobs"
    assert slurm.states() == {"1": "COMPLETED"}
    assert "does not answer" in caplog.text


def test_squeue_answers_where_there_is_no_accounting():
    slurm = Slurm(None, {"1": "FAILED"})
    assert slurm.states("sacct --endtime now --name r") == {"1": "FAILED"}
    assert slurm.asked == ["sacct --endtime now --name r", "squeue --name r"]


def test_a_job_that_is_listed_no_more_ends():
    slurm = Slurm({"1": "RUNNING"}, {}, {"1": "RUNNING"}, *[{}] * (GONE_AFTER + 1))
    assert [slurm.states() for _ in range(3)] == [{"1": "RUNNING"}, {}, {"1": "RUNNING"}]
    assert [slurm.states() for _ in range(GONE_AFTER)] == [{}] * (GONE_AFTER - 1) + [{"1": "UNKNOWN"}]
    assert slurm.states() == {"1": "UNKNOWN"}
