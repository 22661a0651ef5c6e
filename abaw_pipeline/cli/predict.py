"""``abaw predict CLIP... --ensemble NAME --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abaw_pipeline.cli import Run

if TYPE_CHECKING:
    from abaw_pipeline.predict import Step, Trained
    from abaw_pipeline.runtime.manifests import Manifest
    from abaw_pipeline.types import Skipped


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--ensemble", required=True, help="A trained ensemble of the settings.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the CSV files and plots.")
@click.pass_obj
def command(run: Run, clips: tuple[Path, ...], ensemble: str, out: Path) -> None:
    """Predict raw recordings (files, or folders of them) with a trained ensemble."""
    from abaw_pipeline.datasets.base import VIDEO_SUFFIXES
    from abaw_pipeline.predict import predict_recordings

    config = run.config
    files, others = _recordings(clips)
    for path in others:
        click.echo(f"{path}: not a recording by its name ({', '.join(VIDEO_SUFFIXES)}); passed over")
    made, skipped = predict_recordings(
        files, _trained(run, ensemble), config.media, out, run.device(f"predict with {ensemble}"), config.batch
    )
    for line in _table(made, skipped):
        click.echo(line)
    random = sorted(name for name in _features(run, ensemble) if config.plan(name).random)
    if random:
        click.echo(f"random weights: {', '.join(random)}; these predictions show that the pipeline runs, no more")
    click.echo(f"{len(made.clips)} of {len(files)} recordings predicted -> {out}")
    if skipped:
        raise ValueError(f"{len(skipped)} of {len(files)} recordings were left out, see above")


def _features(run: Run, ensemble: str) -> list[str]:
    config = run.config
    stages = config.stages(config.below(ensemble))
    return list(dict.fromkeys(feature for name in stages for feature in config.experiments[name].features))


def _trained(run: Run, ensemble: str) -> Trained:
    from abaw_pipeline.features.text.settings import reads_made
    from abaw_pipeline.predict import Trained
    from abaw_pipeline.strict import nearest

    config = run.config
    if ensemble not in config.ensembles:
        raise ValueError(f"{run.file}: no ensemble '{ensemble}'{nearest(ensemble, config.ensembles)}")
    features = _features(run, ensemble)
    return Trained(
        name=ensemble,
        steps=[_step(run, name) for name in config.chain(ensemble)],
        experiments={name: config.experiments[name] for name in config.stages(config.below(ensemble))},
        home=run.layout,
        features={name: config.plan(name) for name in features},
        transcripts=config.plan_transcripts() if any(reads_made(config.features[name]) for name in features) else None,
    )


def _step(run: Run, ensemble: str) -> Step:
    from abaw_pipeline.predict import Step

    config = run.config
    home = config.chosen_on(ensemble)
    return Step(
        name=ensemble,
        settings=config.ensembles[ensemble],
        members=config.members(ensemble),
        columns=config.member_columns(ensemble),
        home=run.layout(home) if home else None,
    )


def _recordings(paths: tuple[Path, ...]) -> tuple[list[Path], list[Path]]:
    """The recordings among the files named (folders stand for what is in them), and the files that are none."""
    from abaw_pipeline.datasets.base import VIDEO_SUFFIXES

    missing = [path for path in paths if not path.exists()]
    if missing:
        raise ValueError(f"{missing[0]}: no such file or folder")
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    recordings = [file.resolve() for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    if not recordings:
        raise ValueError(f"{paths[0]}: no recording there ({', '.join(VIDEO_SUFFIXES)})")
    return recordings, [path for path in paths if path.is_file() and path.suffix.lower() not in VIDEO_SUFFIXES]


def _table(made: Manifest, skipped: list[Skipped]) -> list[str]:
    width = max((len(clip) for clip in [*made.clips, *(row.clip for row in skipped)]), default=4)
    lines = [f"{'clip':<{width}}  frames   face  sound s"]
    for clip, entry in sorted(made.clips.items()):
        lines.append(f"{clip:<{width}}  {entry['frames']:>6}  {entry['face_share']:>5.2f}  {entry['sound_s']:>7.2f}")
    lines += [f"{row.clip:<{width}}  left out ({row.stage}): {row.reason}" for row in skipped]
    return lines
