"""``abaw lint``."""

from __future__ import annotations

from pathlib import Path

import click

SHOWN = 10


@click.command()
@click.argument("track")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sample", required=True, type=click.Path(path_type=Path), help="The organisers' sample file.")
def command(track: str, file: Path, sample: Path) -> None:
    """Check a submission FILE of a TRACK (va, expr, au, ce, mtl, eri, emi) against the organisers' sample file.

    FILE may also be the zip that is sent, or a folder or zip of one file per video.
    """
    from abaw_pipeline.submission.lint import lint, rows_of

    offences = lint(track, file, sample)
    if not offences:
        click.echo(f"ok: {rows_of(track, sample)} rows")
        return
    for offence in offences[:SHOWN]:
        place = f"{file}/{offence.file}" if offence.file else f"{file}"
        click.echo(f"{place}:{offence.line}: {offence.message}")
    count = "1 offence" if len(offences) == 1 else f"{len(offences)} offences"
    raise ValueError(f"{file}: {count}" + (f", the first {SHOWN} shown" if len(offences) > SHOWN else ""))
