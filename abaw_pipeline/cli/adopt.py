"""``abaw adopt [NAME...]``."""

from __future__ import annotations

import click

from abaw_pipeline.cli import Run


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--clips", default=2, show_default=True, type=click.IntRange(1), help="Clips of each data set to compare."
)
@click.option(
    "--tolerance",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Largest difference of values taken for equal; trained weights must be equal to the bit.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="CPU threads: as many as made what is compared, for sums in another order differ in the last digit.",
)
@click.pass_obj
def command(run: Run, names: tuple[str, ...], clips: int, tolerance: float, threads: int) -> None:
    """Let changed code count as unchanged where a check of values proves it harmless.

    NAME is 'media', a feature or an experiment; everything whose code changed without one. Some results are made again
    with the code as it is now (a training: one of its folds) and compared with what is kept. Where they are equal,
    nothing that the code made is stale any more.
    """
    from abaw_pipeline.state.adopt import adopt

    verdicts = list(_told(adopt(run.config, names, clips, tolerance, run.device("adopt", threads))))
    refused = sum(not verdict.adopted for verdict in verdicts)
    if not verdicts:
        click.echo("no code differs from the code that made the results")
    if refused:
        raise ValueError(f"{refused} of {len(verdicts)} changes not adopted, see above; what they make is stale")


def _told(verdicts):  # type: ignore[no-untyped-def]
    for verdict in verdicts:
        click.echo(verdict.line)
        yield verdict
