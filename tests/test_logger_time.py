"""Time left by known answers: rules apart, jobs in parallel, silence without ground, clusters."""

from __future__ import annotations

import pytest

from snakemake_logger_plugin_abaw.board import Board
from snakemake_logger_plugin_abaw.job import Job
from snakemake_logger_plugin_abaw.text import length


def _job(number: int, rule: str, started: float, benchmark=None) -> Job:
    return Job(number, rule, f"{rule} {number}", (), benchmark, "", started)


def _run(board: Board, rule: str, *spans: tuple[float, float]) -> None:
    """Jobs of a rule that worked from, to."""
    for start, end in spans:
        number = len(board.known)
        board.start(_job(number, rule, start))
        board.finish(number, end)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "under 1 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3599.6, "1 h"),
        (7800, "2 h 10 min"),
        (86399, "1 d"),
        (97_200, "1 d 3 h"),
    ],
)
def test_lengths_of_time(seconds, words):
    assert length(seconds) == words


def test_a_slow_rule_is_not_estimated_by_a_fast_one():
    board = Board()
    board.plan({"join": 12, "train": 5, "all": 1, "total": 18})
    _run(board, "join", (0, 1), (1, 2))
    _run(board, "train", (2, 102))
    assert board.left(102) == f"{length(10 * 1 + 4 * 100)} left" == "6 min 50 s left"


def test_jobs_in_parallel_share_what_is_left_and_what_runs_counts_from_its_start():
    board = Board()
    board.plan({"train": 20, "total": 20})
    for number in range(4):
        board.start(_job(number, "train", 0))
    board.finish(0, 60)  # 4 at once; 19 left, 3 of which have run for 60 s
    assert board.left(60) == f"{length((19 * 60 - 3 * 60) / 4)} left"
    board.start(_job(4, "train", 60))
    assert board.left(90) == f"{length((19 * 60 - 3 * 60 - 30) / 4)} left"


def test_what_has_not_begun_takes_at_least_as_long_as_one_job():
    board = Board()
    board.plan({"train": 5, "total": 5})
    for number in range(4):
        board.start(_job(number, "train", 0))
    board.finish(0, 60)
    assert board.left(60) == "1 min left"


def test_jobs_that_take_longer_than_any_before_are_not_said_to_be_done_at_once():
    board = Board()
    board.plan({"train": 2, "total": 2})
    _run(board, "train", (0, 60))
    board.start(_job(9, "train", 60))
    assert board.left(110) == "10 s left"
    assert board.left(130) == ""


def test_the_last_job_is_not_divided_by_jobs_that_are_no_more():
    board = Board()
    board.plan({"train": 3, "total": 3})
    for number in range(3):
        board.start(_job(number, "train", 0))
    board.finish(0, 60)
    board.finish(1, 60)
    board.start(_job(2, "train", 60))
    assert board.left(70) == "50 s left"


def test_nothing_is_said_without_ground():
    board = Board()
    board.plan({"index": 1, "extract": 4, "train": 3, "total": 8})
    board.start(_job(0, "index", 0))
    assert board.left(5) == ""
    board.finish(0, 5)
    assert board.left(5) == ""  # of what is left, nothing has ever been done
    _run(board, "extract", (5, 15), (15, 25))
    assert board.left(25) == ""  # at least 20 s, and nobody knows of the trainings


def test_while_a_rule_is_unknown_the_others_tell_the_least_that_is_left():
    board = Board()
    board.plan({"extract": 10, "train": 900, "all": 1, "total": 911})
    _run(board, "extract", (0, 100), (100, 200))
    assert board.left(200) == f"over {length(8 * 100)} left"
    _run(board, "train", (200, 202))
    assert board.left(202) == f"{length(8 * 100 + 899 * 2)} left"


def test_after_a_failure_it_is_the_most_that_may_be_left():
    board = Board()
    board.plan({"extract": 4, "total": 4})
    _run(board, "extract", (0, 10))
    board.start(_job(9, "extract", 10))
    board.fail(9)
    assert board.left(20) == "up to 20 s left"
    board.start(_job(9, "extract", 20))  # once more
    assert board.left(20) == "30 s left"
    board.fail(9)
    board.waiting["join"] = 1
    assert board.left(20) == ""


def test_on_a_cluster_waiting_in_the_queue_is_no_work(tmp_path):
    benchmark = tmp_path / "job.tsv"
    benchmark.write_text("s\th:m:s\n10.0\t0:00:10\n")
    board = Board(remote=True)
    board.plan({"train": 20, "total": 20})
    for number in range(20):  # all are handed over at once, the cluster runs two at a time
        board.start(_job(number, "train", 0, benchmark))
    board.finish(0, 110)  # after 100 s in the queue
    board.finish(1, 110)
    assert board.left(110) == ""  # the first wave says nothing of how many run at a time
    _, seconds = board.finish(2, 120)
    board.finish(3, 120)
    assert seconds == 10
    assert board.left(120) == f"{length(16 * 10 / 2)} left"


@pytest.mark.parametrize("text", ["", "s\th:m:s\n", "s\th:m:s\nnan?\t-\n"])
def test_a_benchmark_that_says_nothing_leaves_the_clock(tmp_path, text):
    benchmark = tmp_path / "job.tsv"
    benchmark.write_text(text)
    assert _job(0, "train", 5, benchmark).seconds(12) == 7
    assert _job(0, "train", 5, tmp_path / "none.tsv").seconds(12) == 7


def test_a_benchmark_of_an_earlier_run_is_never_longer_than_the_job(tmp_path):
    benchmark = tmp_path / "job.tsv"
    benchmark.write_text("s\th:m:s\n500.0\t0:08:20\n")
    assert _job(0, "train", 5, benchmark).seconds(12) == 7
