"""``abaw folds EXPERIMENT``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abaw_pipeline.cli.tables import table

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.training.splits.folds import Fold
    from abaw_pipeline.types import Clip

_HEAD = ("fold", "recordings", "clips", "annotated frames")


@click.command()
@click.argument("experiment")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file; else it is shown.")
@click.pass_obj
def command(run: Run, experiment: str, output: Path | None) -> None:
    """Write the folds of EXPERIMENT to a CSV file: every clip, and the fold that holds it out.

    Edited or not, 'folds: {name: file, path: FILE}' in the settings brings it back. What each fold holds is told on
    standard error. Needs the data set's index ('abaw index').
    """
    from abaw_pipeline.cli.choice import settings_of
    from abaw_pipeline.runtime.files import atomic
    from abaw_pipeline.training.splits.file import folds_text
    from abaw_pipeline.training.splits.settings import Mix, OfficialFolds

    settings = settings_of(run, experiment)
    if isinstance(settings.folds, OfficialFolds | Mix):
        raise ValueError(
            f"{run.file}: experiments.{experiment}.folds: '{settings.folds.name}' is one fold, which a file cannot say "
            "(its folds train on one another's clips); name kfold, parts+val or file"
        )
    clips, counts, folds = _folds(run, experiment)
    text = folds_text({name: fold.validation for name, fold in folds.items()})
    if output is None:
        click.echo(text, nl=False)
    else:
        with atomic(output) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
        click.echo(str(output))
    _tell(folds, clips, counts)


def _folds(run: Run, experiment: str) -> tuple[list[Clip], dict[str, int], dict[str, Fold]]:
    """The data set's clips, the annotated frames of each, and the folds that trainings of the experiment have."""
    from abaw_pipeline.datasets.index import read_clips
    from abaw_pipeline.training.gather import read_tables
    from abaw_pipeline.training.pool import annotated_frames
    from abaw_pipeline.training.splits.folds import joint_splits, split
    from abaw_pipeline.training.splits.names import fold_and_scene, fold_names

    settings = run.config.experiments[experiment]
    layout = run.layout(str(settings.dataset))
    clips, counts = read_clips(layout), annotated_frames(read_tables(layout, settings.targets))
    splits = joint_splits(clips, settings.targets)
    names = dict.fromkeys(fold_and_scene(name, settings)[0] for name in fold_names(settings))
    return clips, counts, {name: split(clips, splits, settings.folds, name, counts) for name in names}


def _tell(folds: Mapping[str, Fold], clips: list[Clip], counts: Mapping[str, int]) -> None:
    recording = {clip.id: clip.source for clip in clips}
    rows = []
    for name, fold in folds.items():
        held = fold.validation
        sizes = (len({recording[clip] for clip in held}), len(held), sum(counts.get(clip, 0) for clip in held))
        rows.append((name, *map(str, sizes)))
    for line in table(_HEAD, rows, _HEAD[1:]):
        click.echo(line, err=True)
    for note in (note for fold in folds.values() for note in fold.notes):
        click.echo(note, err=True)
