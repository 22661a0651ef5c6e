"""``abaw plan``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from abaw_pipeline.cli.tables import table

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.planning.plan import Line, Plan

_HEAD = ("stage", "data set", "of", "new", "done", "frames", "a second", "known from", "GB", "device", "time")
_NUMBERS = ("new", "done", "frames", "a second", "GB", "time")


@click.command("plan")
@click.option("--cores", type=click.IntRange(1), help="Cores that the run may use; all of this machine without it.")
@click.option("--gpus", type=click.IntRange(1), help="GPUs that it may use; all of this machine without it.")
@click.option("--trial/--no-trial", default=True, help="Try what no earlier run tells the speed of, or leave it open.")
@click.pass_obj
def command(run: Run, cores: int | None, gpus: int | None, trial: bool) -> None:
    """Say what a run would do, before it: jobs, gigabytes of features, time per device.

    At most: what comes out the same as before ends the work there. Speeds are those of earlier runs, by their
    journals, or else of a short trial on the beginnings of a few clips; each line says which. Times are those of the
    jobs of a line one after the other; reading features into memory is not counted.
    """
    from abaw_pipeline.planning.plan import plan

    made = plan(run.config, run.device("try what a run would do"), trial)
    for name, text in made.frames.items():
        click.echo(f"{name}: {text}")
    for line in table(_HEAD, [_cells(one) for one in made.lines], _NUMBERS):
        click.echo(line)
    for line in _totals(run, made, cores, gpus):
        click.echo(line)


def _cells(line: Line) -> tuple[str, ...]:
    from abaw_pipeline.state.words import duration

    work, rate = line.work, line.rate
    amount = "?" if work.amount is None else f"{work.amount:,}" if work.amount else "-"
    speed = f"{rate.speed:,.0f}" if rate and rate.speed >= 10 else f"{rate.speed:.2g}" if rate else ""
    shown = (speed, rate.source) if rate and work.amount else ("", "not known" if line.seconds is None else "")
    gigabytes = f"{work.gigabytes:.3g}" if work.gigabytes is not None else ""
    device = "gpu" if work.gpu else "cpu" if work.threads == 1 else f"cpu x{work.threads}"
    took = "?" if line.seconds is None else duration(line.seconds) if work.new else "-"
    return (
        work.stage,
        work.dataset,
        work.name,
        str(work.new or "-"),
        str(work.done or "-"),
        amount,
        *shown,
        gigabytes,
        device,
        took,
    )


def _totals(run: Run, made: Plan, cores: int | None, gpus: int | None) -> Iterator[str]:
    from abaw_pipeline.runtime.cores import cores as all_cores
    from abaw_pipeline.runtime.gpus import devices
    from abaw_pipeline.state.words import duration

    yield f"jobs:      {made.new} to run, {made.done} done"
    size = "size not known yet" if made.gigabytes is None else f"{made.gigabytes:.3g} GB at most when all are there"
    yield f"features:  {size}; {made.free / 1e9:,.0f} GB are free"
    cores = cores or all_cores()
    busy, open_lines = made.core_seconds(cores), len(made.unknown)
    waits = [busy / cores]
    yield f"cpu:       {duration(busy)} of one core, {duration(waits[0])} on {cores}"
    if any(line.work.gpu for line in made.lines):
        gpus = gpus or max(len(devices()), 1)
        waits.append(made.gpu_seconds / gpus)
        name = next((one.rate.device for one in made.lines if one.work.gpu and one.rate), "no GPU was tried")
        yield f"gpu:       {duration(made.gpu_seconds)} of one ({name}), {duration(waits[1])} on {gpus}"
    rest = f", and {open_lines} lines of unknown length" if open_lines else ""
    yield f"together:  {duration(max(waits))} at least, {duration(sum(waits))} where one waits for the other{rest}"
    if made.start_s:
        yield f"the start of each job is counted with {made.start_s:.1f} s, as one took just now"
