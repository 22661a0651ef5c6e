"""What a person sees of a run: one line a finished job, failures with log and command, and Snakemake's own words."""

from __future__ import annotations

import logging

import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_abaw.failure import failed_group
from snakemake_logger_plugin_abaw.text import typed
from tests.log_records import Run, ended, error, failed, finished, plan, record, started

NOTHING = "Nothing to be done (all requested files are present and up to date)."
REPEAT = "abaw --config results/.settings/ab12.json extract demo fbank --shard"


@pytest.fixture
def run(tmp_path, monkeypatch):
    return Run(tmp_path, monkeypatch)


def test_the_start_is_one_line_with_the_jobs_of_each_rule(run):
    cores = record(0, LogEvent.RESOURCES_INFO, cores=8)
    gpus = record(0, LogEvent.RESOURCES_INFO, provided_resources={"gpu": 2})
    shown = run.show(cores, gpus, plan(0, extract=4, join=1, all=1))
    assert shown == "6 jobs on 8 cores and 2 GPUs: 4 extract, 1 join, 1 all\n"


def test_a_finished_job_is_one_line_with_the_last_line_of_its_log(run):
    run.log(3, "a warning\nfbank: 37 clips, 2 left out -> results/demo/manifests/features/fbank/3.json\n\n")
    assert run.show(plan(0, extract=1450), started(0, 3)).count("\n") == 1
    assert run.show(finished(250, 3)) == (
        "[   1/1450, 4 d 5 h left] extract fbank of demo, shard 3: fbank: 37 clips, 2 left out (4 min 10 s)\n"
    )


def test_a_job_without_log_or_message_is_named_by_its_rule(run):
    run.show(plan(0, extract=1, all=1), started(0, 1), started(0, 2, "all", rule_msg=None, log=[], shellcmd=None))
    assert run.show(finished(1, 1), finished(2, 2)) == (
        "[1/2] extract fbank of demo, shard 1 (1 s)\n[2/2] all demo 2 (2 s)\n"
    )
    assert run.close() == "2 jobs in 2 s\n"


def test_a_failed_job_shows_its_message_the_end_of_its_log_and_the_command(run):
    run.log(3, "".join(f"line {number}\n" for number in range(40)))
    run.show(plan(0, extract=2, join=1), started(0, 3))
    shown = run.show(ended(5, 3, "returned non-zero exit status 2."), failed(5, 3)).splitlines()
    assert shown[0] == "FAILED: extract fbank of demo, shard 3 (exit status 2)"
    assert shown[1:-2] == [f"    | line {number}" for number in range(25, 40)]
    assert shown[-2:] == ["    log: logs/3.log", f"    repeat: {REPEAT} 3"]
    assert run.close() == "1 of 3 jobs failed, 2 not reached, in 5 s:\n    extract fbank of demo, shard 3: logs/3.log\n"


@pytest.mark.parametrize(
    ("command", "repeat"),
    [
        ("'/a b/python' -m abaw_pipeline --config s.json join demo > 'a.log' 2>&1", "abaw --config s.json join demo"),
        ("PYTHONPATH='/a b' python -m abaw_pipeline report > a.log 2>&1", "abaw report"),
        (
            "('/p' -m abaw_pipeline demo 'x > y' && '/p' -m abaw_pipeline list d) > a 2>&1",
            "abaw demo 'x > y' && abaw list d",
        ),
        ("touch done", "touch done"),
    ],
)
def test_the_command_is_as_a_person_types_it(command, repeat):
    assert typed(command) == repeat


def test_two_jobs_that_fail_together_keep_their_own_endings(run):
    run.show(plan(0, extract=2), started(0, 1), started(0, 11))
    shown = run.show(
        ended(5, 11, "died with <Signals.SIGTERM: 15>."),
        ended(5, 1, "returned non-zero exit status 137."),
        failed(5, 1),
        failed(5, 11),
    )
    heads = [line for line in shown.splitlines() if line.startswith("FAILED")]
    assert heads == [
        "FAILED: extract fbank of demo, shard 1 (killed, as happens when memory runs out)",
        "FAILED: extract fbank of demo, shard 11 (killed by SIGTERM)",
    ]
    assert "(was not written)" in shown and "CalledProcessError" not in shown


def test_an_error_of_a_command_that_no_job_claims_is_not_lost(run):
    run.show(plan(0, extract=1))
    assert run.show(ended(1, 1, "returned non-zero exit status 1.")) == ""
    assert "CalledProcessError" in run.close()


def test_a_job_of_a_cluster_shows_what_the_cluster_says_and_its_log(run):
    (run.root / "logs/slurm.log").write_text("slurmstepd: error: time limit\n")
    run.show(record(0, LogEvent.RESOURCES_INFO, nodes=20), plan(0, extract=1), started(0, 1))
    said = "SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. For further error details see the cluster/cloud log and "
    shown = run.show(failed(9, 1, said=said + "the log files of the involved rule(s).", logs=("logs/slurm.log",)))
    assert shown.splitlines()[1:5] == [
        "    SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. ",
        "    | slurmstepd: error: time limit",
        "    log: logs/1.log (was not written)",
        "    log: logs/slurm.log",
    ]


def test_a_group_that_fails_names_its_jobs(run):
    members = [{"rule_name": "train", "jobid": 1}, {"rule_name": "infer", "jobid": 2}]
    group = record(9, LogEvent.GROUP_ERROR, "Error in group", logging.ERROR, groupid="short", aux_logs=["g.log"])
    group.job_error_info = members
    run.log(1, "loss is not a number\n")
    begun = [started(0, 1, "train", indent=True), started(0, 2, "infer", indent=True)]
    assert run.show(record(0, LogEvent.GROUP_INFO, group_id="short"), *begun) == ""
    shown = run.show(group, failed(9, 1, "train"), failed(9, 2, "infer")).splitlines()
    assert shown[:4] == [
        "FAILED: group short of 2 jobs; their logs say which:",
        "    log: g.log",
        "FAILED: train fbank of demo, shard 1",
        "    | loss is not a number",
    ]
    assert "FAILED: infer fbank of demo, shard 2" in shown and "    log: logs/2.log (was not written)" in shown


def test_a_job_that_is_tried_again_and_then_succeeds_has_not_failed(run):
    run.show(plan(0, extract=1), started(0, 3))
    assert "FAILED" in run.show(failed(1, 3))
    assert run.show(record(1, msg="Trying to restart job 3.")) == "once more: extract fbank of demo, shard 3\n"
    assert run.show(started(2, 3), finished(4, 3)).startswith("[1/1] extract fbank")
    assert run.close() == "1 job in 4 s\n"


def test_missing_output_is_a_failure_of_that_job(run):
    run.show(plan(0, extract=1), started(0, 3))
    text = (
        "MissingOutputException in rule extract:\nJob 3  completed successfully, but some output files are missing. x\n"
    )
    shown = run.show(error(5, f"{text}3.json (missing locally)", "MissingOutputException"))
    assert shown.startswith("FAILED: extract fbank of demo, shard 3 (done, but its output is not there")
    assert "    3.json (missing locally)\n" in shown and "1 of 1 job failed" in run.close()


def test_what_a_person_stops_has_not_failed(run):
    run.show(plan(0, extract=2), started(0, 1), started(0, 2), finished(3, 1))
    stop = record(4, msg="Terminating processes on user request, this might take some time.")
    shown = run.show(stop, ended(5, 2, "died with <Signals.SIGINT: 2>."), failed(5, 2))
    assert shown.splitlines()[1:] == ["stopped: extract fbank of demo, shard 2"]
    assert run.close() == "stopped: 1 of 2 jobs done in 5 s\n"


def test_words_of_snakemake_reach_the_person_but_not_its_steps(run):
    for told in (NOTHING, "from print", "Will exit after finishing currently running jobs (scheduler)."):
        assert run.show(record(0, msg=told)) == f"{told}\n"
    assert run.show(record(0, msg="beware", level=logging.WARNING)) == "beware\n"
    lock = "LockException:\nError: Directory cannot be locked."
    assert run.show(error(0, lock, "LockException")) == f"{lock}\n"
    steps = ("Building DAG of jobs...", "Using shell: /usr/bin/bash", "Select jobs to execute...")
    assert (
        run.show(*[record(0, msg=step) for step in steps], record(0, LogEvent.JOB_STARTED, "Execute 2 jobs...")) == ""
    )
    assert run.close() == ""


def test_verbose_adds_the_steps(tmp_path, monkeypatch):
    run = Run(tmp_path, monkeypatch, verbose=True)
    assert run.show(record(0, msg="Building DAG of jobs..."), plan(0, extract=1)).splitlines() == [
        "Building DAG of jobs...",
        "1 job: 1 extract",
    ]


@pytest.mark.parametrize(
    ("quiet", "finish", "fail"),
    [
        ({Quietness.RULES, Quietness.PROGRESS}, False, True),
        ({Quietness.PROGRESS}, False, True),
        ({Quietness.HOST}, True, True),
        ({Quietness.ALL}, False, False),
    ],
)
def test_quiet_hides_progress_and_only_all_hides_failures(tmp_path, monkeypatch, quiet, finish, fail):
    run = Run(tmp_path, monkeypatch, quiet=quiet)
    shown = run.show(plan(0, extract=2), started(0, 1), started(0, 2), finished(1, 1), failed(1, 2)) + run.close()
    assert ("[1/2" in shown, "FAILED" in shown, "1 of 2 jobs failed" in shown) == (finish, fail, fail)


@pytest.mark.parametrize("commands", [False, True])
def test_a_dry_run_lists_the_jobs_and_ends_with_the_counts(tmp_path, monkeypatch, commands):
    run = Run(tmp_path, monkeypatch, dryrun=True, stdout=True, printshellcmds=commands)
    job = started(0, 1)
    command = record(0, LogEvent.SHELLCMD, shellcmd=job.shellcmd)
    shown = run.show(plan(0, extract=1), job, command, plan(0, extract=1)) + run.close()
    lines = ["extract fbank of demo, shard 1", "    because: Missing output files: 1.json"]
    assert shown.splitlines() == [*lines, *[f"    {job.shellcmd}"] * commands, "1 job: 1 extract"]


def test_a_terminal_has_one_line_of_running_jobs_that_is_wiped_before_others(tmp_path, monkeypatch):
    run = Run(tmp_path, monkeypatch, terminal=True)
    running = "[0/2] 1 running: extract fbank of demo, shard 1 (under 1 s)\r"
    assert run.show(plan(0, extract=2), started(0, 1)) == f"2 jobs: 2 extract\n{running}"
    line = "[1/2, 3 s left] extract fbank of demo, shard 1 (3 s)\n"
    assert run.show(finished(3, 1)) == f"\r\x1b[K{line}"
    red = run.show(started(3, 2), failed(4, 2)) + run.close()
    assert "\x1b[31mFAILED: extract fbank of demo, shard 2\n" in red and red.endswith("\x1b[0m\n")


def test_a_record_that_cannot_be_read_does_not_end_the_output(run, capsys):
    run.show(plan(0, extract=1), record(0, LogEvent.JOB_INFO))
    assert "KeyError" in capsys.readouterr().err
    assert run.show(record(0, msg=NOTHING)) == f"{NOTHING}\n"


def test_a_failed_group_shows_why_the_cluster_ended_it(tmp_path):
    log = tmp_path / "16.log"
    why = "slurmstepd-vm: error: *** JOB 16 ON vm CANCELLED AT 2026-11-25T23:56:26 DUE TO TIME LIMIT ***"
    log.write_text("begun\n" + why + "\n" + "".join(f"after {number}\n" for number in range(20)))
    told = failed_group({"groupid": "model", "job_error_info": [{}, {}], "aux_logs": [str(log)]}).splitlines()
    assert told[1] == f"    | {why}"
    assert told[2:] == [*(f"    | after {number}" for number in range(15, 20)), f"    log: {log}"]
