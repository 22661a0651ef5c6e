"""``abaw lint``."""

from __future__ import annotations

from pathlib import Path

import click

SHOWN = 10


@click.command()
@click.argument("task")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sample", required=True, type=click.Path(path_type=Path), help="The organisers' sample file.")
def command(task: str, file: Path, sample: Path) -> None:
    """Check a submission FILE of a TASK (va, expr, au) against the organisers' sample file."""
    from abaw_pipeline.submission.lint import lint, rows_of

    offences = lint(task, file, sample)
    if not offences:
        click.echo(f"ok: {rows_of(task, sample)} rows")
        return
    for offence in offences[:SHOWN]:
        click.echo(f"{file}:{offence.line}: {offence.message}")
    count = "1 offence" if len(offences) == 1 else f"{len(offences)} offences"
    raise ValueError(f"{file}: {count}" + (f", the first {SHOWN} shown" if len(offences) > SHOWN else ""))
