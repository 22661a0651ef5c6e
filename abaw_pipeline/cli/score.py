"""``abaw score``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("track")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Leave out annotated rows without a prediction instead of refusing them.")
def command(track: str, predictions: Path, labels: Path, partial: bool) -> None:
    """Score PREDICTIONS for a TRACK (va, expr, au, ce, mtl, eri, emi) against LABELS.

    PREDICTIONS: a submission file, a zip of it, or a folder or zip of one file per video. LABELS: a folder of
    annotation files, the annotation file of the multi-task set, or a file in the format of the track.
    """
    from abaw_pipeline.submission.score import score_files
    from abaw_pipeline.tasks import TASKS
    from abaw_pipeline.tracks import TRACKS
    from abaw_pipeline.training.scores import AVERAGED, track_measure

    value, parts = score_files(track, predictions, labels, partial)
    click.echo(f"{track}: {value:.3f} ({track_measure(TRACKS[track])})")
    for one in parts:
        task = TASKS[one.task]
        rows = f"{one.rows} annotated frames of {one.clips} clips" if task.level == "frame" else f"{one.clips} clips"
        click.echo(f"  {one.task}: {AVERAGED[task.kind]} {one.mean:.3f} over {rows}")
        if one.lacking:
            click.echo(f"    {one.lacking} annotated rows have no prediction and do not count")
        for column, score in one.columns.items():
            click.echo(f"    {column:<24}{score:>7.3f}")
