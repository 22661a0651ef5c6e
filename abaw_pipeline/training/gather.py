"""What one training is made from: clips of both sides, their labels and features, and the key over all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from abaw_pipeline.datasets.index import read_clips, read_labels
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.aligned import Aligned, align_labels
from abaw_pipeline.training.card import SceneNote
from abaw_pipeline.training.plan import recipe
from abaw_pipeline.training.pool import Part, Pool, Tables, pool_of
from abaw_pipeline.training.scenes import scene_side
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import JointSources, Sources
from abaw_pipeline.training.splits.folds import Fold, shared_recordings
from abaw_pipeline.training.splits.names import fold_and_scene
from abaw_pipeline.types import Skipped


@dataclass(frozen=True)
class Material:
    """A training before any feature is read.

    Attributes:
        fold: clips of both sides as the split has them.
        sides: ``train`` and ``validation``: labels on frames of the clips that can be used.
        data: as in ``Card.data``.
        notes, skipped: what a reader of the model should know.
        scene: as in ``Card``.
    """

    settings: ExperimentSettings
    sources: JointSources
    fold: Fold
    sides: dict[str, dict[str, Aligned]]
    key: str
    recipe: str
    data: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    scene: SceneNote | None = None

    def require_clips(self) -> None:
        """Raises ``ValueError`` where a side has no clip that can be used, or none is held out though scores decide."""
        if not self.fold.validation and self.settings.needs_scores:
            raise ValueError(
                "the fold has no validation clip, by which an epoch could be chosen; choose other folds, or select "
                "'last' or a range of epochs"
            )
        for name, clips in self.sides.items():
            if not clips and (name == "train" or self.fold.validation):
                first = [f"; {len(self.skipped)} left out, the first: {row.clip}: {row.reason}" for row in self.skipped]
                raise ValueError(f"no {name} clip can be used{''.join(first[:1])}")


def gather(
    settings: ExperimentSettings, fold: str, seed: int, layout: Layout, feature_keys: Mapping[str, str] | None
) -> Material:
    """Find clips, labels and features of one fold; reads no feature values but those that scenes are divided by.

    Raises:
        ValueError: an earlier stage is missing or was made from other settings, there is no such fold, or it cannot be
            divided into scenes.
    """
    sources = JointSources(layout, settings.features, feature_keys, settings.extra)
    pool = _read_pool(settings, layout)
    name, scene = fold_and_scene(fold, settings)
    sides, note, skipped = pool.fold(settings.folds, name), None, list[Skipped]()
    if settings.scenes and scene:
        seen = Sources(layout, [settings.scenes.feature], feature_keys)
        sides, note, skipped = scene_side(sides, scene, pool.joined, settings.scenes, seen)
    shared = [f"on both sides of the official split: {name}" for name in shared_recordings(pool.own, sides)]
    notes = [*sides.notes, *shared]
    parts: dict[str, dict[str, Aligned]] = {}
    for side, ids in (("train", sides.train), ("validation", sides.validation)):
        kept, missing = sources.usable(ids, "train")
        skipped += missing
        parts[side] = _align(kept, pool, sources, settings, notes, skipped)
    plan, data = recipe(settings, fold, seed), _data(parts, sources)
    key = material_key(plan, sides, data)
    return Material(settings, sources, sides, parts, key, plan, data, notes, skipped, note)


def material_key(plan: str, fold: Fold, data: Mapping[str, list[str]]) -> str:
    """Key of a model. Features enter by their values: those that were made anew and came out the same train nothing
    again. Clips of neither side do not enter: a new test clip trains nothing again.

    Args:
        plan: its recipe.
    """
    return digest({"recipe": plan, "train": fold.train, "validation": fold.validation, "data": data})


def read_tables(layout: Layout, tasks: Iterable[str]) -> dict[str, dict[str, np.ndarray]]:
    """The labels of several tasks; ``ValueError`` where the data set has none of a task."""
    return {task: read_labels(layout, task) for task in tasks}


def _read_pool(settings: ExperimentSettings, layout: Layout) -> Pool:
    extra: dict[str, Part] = {}
    for name in settings.extra:
        other = Layout(layout.results, name)
        there = [task for task in settings.targets if other.labels(task).is_file()]
        extra[name] = read_clips(other), read_tables(other, there)
    return pool_of((read_clips(layout), read_tables(layout, settings.targets)), extra, list(settings.targets))


def labels_of(clip: str, labels: Tables) -> dict[str, np.ndarray]:
    """A clip's labels by task, as far as it has any."""
    return {task: table[clip] for task, table in labels.items() if clip in table}


def _data(parts: Mapping[str, Mapping[str, Aligned]], sources: JointSources) -> dict[str, list[str]]:
    return {
        clip: [*(text[:16] for text in sources.contents(clip)), one.digest]
        for clips in parts.values()
        for clip, one in clips.items()
    }


def _align(
    clips: Sequence[str],
    pool: Pool,
    sources: JointSources,
    settings: ExperimentSettings,
    notes: list[str],
    skipped: list[Skipped],
) -> dict[str, Aligned]:
    found: dict[str, Aligned] = {}
    for clip in clips:
        own = labels_of(clip, pool.labels)
        if not any(TASKS[task].marks(rows).any() for task, rows in own.items()):
            skipped.append(Skipped(clip, "train", f"no frame annotated for {' or '.join(map(repr, pool.labels))}"))
            continue
        try:
            one = align_labels(own, sources.frames(clip), settings.extra_rows, clip, clip in pool.stills)
        except ValueError as error:
            skipped.append(Skipped(clip, "train", str(error)))
            continue
        found[clip] = one
        if one.extra:
            notes.append(f"{clip}: {one.extra} label rows beyond the last frame took the last frame")
    return found
