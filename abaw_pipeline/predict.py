"""Anybody's recordings through everything: the stages of a run, one after the other, on a data set of their own.

What the stages make is kept under ``<out>/work``, so that a second call repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abaw_pipeline.datasets.index import build_index, read_clips
from abaw_pipeline.datasets.settings import RecordingsSettings
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.members import Members
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.text.made import TranscriptPlan
from abaw_pipeline.features.text.transcribe import transcribe
from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.report.curves import write_curves
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.temporaries import sweep, sweep_folder
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.types import Skipped

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Step:
    """One fusion; as the arguments of ``blend``."""

    name: str
    settings: EnsembleSettings
    members: Members
    columns: Mapping[str, Sequence[str]]
    home: Layout | None


@dataclass(frozen=True)
class Trained:
    """A trained ensemble, and what it needs of a recording."""

    name: str
    steps: Sequence[Step]
    """Its member ensembles, each after its own members, and the ensemble itself."""
    experiments: Mapping[str, ExperimentSettings]
    """Everything trained that it is made of, first stages before those that are stacked on them."""
    home: Callable[[str], Layout]
    """Layout of the data set that an experiment was trained on, by the data set's name."""
    features: Mapping[str, FeaturePlan]
    """Every feature of the experiments."""
    transcripts: TranscriptPlan | None = None
    """The recogniser, where a feature is made from what it hears."""


def predict_recordings(
    files: Sequence[Path],
    trained: Trained,
    media: MediaSettings,
    out: Path,
    device: Callable[[], torch.device],
    batch: int = 32,
) -> tuple[Manifest, list[Skipped]]:
    """Predict raw recordings; one CSV and one plot per clip under ``out``.

    Returns:
        The media manifest (per clip ``frames``, ``face_share``, ``sound_s``) of the clips that were predicted, and
        the recordings that were left out.

    Raises:
        ValueError: the ensemble was not trained, or with other settings than those in force.
    """
    layout = Layout(out / "work", "recordings")
    sweep(layout.results)
    sweep_folder(out)
    index = build_index("recordings", RecordingsSettings(adapter="recordings", files=[str(f) for f in files]), layout)
    clips = read_clips(layout)
    made = build_media(clips, layout, media)
    if trained.transcripts:
        transcribe(trained.transcripts, clips, layout, device, made)
    extracted: set[str] = set()
    for name, settings in trained.experiments.items():
        for feature in settings.features:
            if feature not in extracted:
                table = extract(trained.features[feature], clips, layout, device, batch, made)
                table.write(layout.feature_manifest(feature))
                extracted.add(feature)
        _infer(name, settings, trained, layout, device)
    for step in trained.steps:
        fused = blend(step.name, step.settings, step.members, layout, columns=step.columns, home=step.home)
    write_curves(layout, trained.name, out)
    skipped = {row.clip: row for row in [*fused.skipped, *made.skipped, *index.skipped] if row.clip not in fused.clips}
    return Manifest(made.about, {clip: made.clips[clip] for clip in fused.clips}), list(skipped.values())


def _infer(
    name: str, settings: ExperimentSettings, trained: Trained, layout: Layout, device: Callable[[], torch.device]
) -> None:
    keys = {feature: plan.key for feature, plan in trained.features.items()}
    home = trained.home(str(settings.dataset))
    for fold in fold_names(settings):
        for seed in settings.seeds:
            infer(name, settings, fold, seed, home, layout, device, keys)
