"""``abaw doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from abaw_pipeline.cli import Run
from abaw_pipeline.cli.tables import table

if TYPE_CHECKING:
    from abaw_pipeline.doctor.examine import Examined


@click.command()
@click.argument("datasets", nargs=-1, metavar="[DATASET ...]")
@click.option("--all", "everything", is_flag=True, help="Every clip and every problem, however many there are.")
@click.pass_obj
def command(run: Run, datasets: tuple[str, ...], everything: bool) -> None:
    """Examine data sets (all of the settings, or those named) before anything is computed.

    Per clip: frame rate, frames, label rows, rows in sample files, share of rows that are annotated, their range,
    official crops and the longest gap between them, length of the sound and its offset, and who shares a recording.
    Then every problem, errors first, each with what the pipeline does about it. results/doctor.csv holds all of it.
    Exit code 2 where there is an error: a data set cannot be used, a clip is left out, or results would be wrong.
    """
    from abaw_pipeline.doctor.examine import examine
    from abaw_pipeline.doctor.lines import counts
    from abaw_pipeline.doctor.write import write_table
    from abaw_pipeline.runtime.paths import doctor_table
    from abaw_pipeline.state.words import count

    for name in datasets:
        run.layout(name)  # refuses one that the settings lack
    found = [examine(run.config, name) for name in datasets or run.config.datasets]
    path = doctor_table(run.results)
    write_table(found, path)
    for one in found:
        for line in _told(one, everything):
            click.echo(line)
    wrong = [one for one in found if one.count("error")]
    if wrong:
        named = ", ".join(f"{count(one.count('error'), 'error')} in {one.dataset}" for one in wrong)
        raise ValueError(f"{named}; all that was found: {path}")
    for one in found:
        click.echo(f"{one.dataset}: {counts(one)}; all that was found: {path}")


def _told(found: Examined, everything: bool) -> Iterator[str]:
    from abaw_pipeline.doctor.lines import HEAD, LAST, NUMBERS, clip_rows, problem_lines
    from abaw_pipeline.state.words import count

    rows, more = clip_rows(found, everything)
    tasks = list(dict.fromkeys(task for seen in found.clips for task in seen.labels))
    yield f"{found.dataset}, {count(len(found.clips), 'clip')}" + (f" (labels of {'/'.join(tasks)})" if tasks else "")
    if rows:
        yield from table((*HEAD, *LAST), rows, NUMBERS)
    if more:
        yield f"  {count(more, 'clip')} more, without errors and warnings or not shown (--all shows them)"
    yield from problem_lines(found.problems, everything)
