"""Training clips divided by what stands behind the people, by scikit-learn's k-means.

netease_abaw6 divides its data by background and trains a classifier on each part; how, the paper does not say.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abaw_pipeline.training.splits.settings import SceneSettings
from abaw_pipeline.types import FrameTable


@dataclass(frozen=True)
class Scene:
    """The clips that one model is trained on, sorted, and what a reader of the model should know of them."""

    clips: list[str]
    notes: list[str]


def clip_vector(table: FrameTable) -> np.ndarray | None:
    """What stands for a clip, ``(D,)`` float64: the mean of its valid rows; ``None`` where it has none."""
    rows = table.values[table.valid]
    return rows.mean(axis=0, dtype=np.float64) if len(rows) else None


def divide(vectors: Mapping[str, np.ndarray], settings: SceneSettings) -> list[Scene]:
    """The scenes of training clips, numbered by their first clip; those that no clip is nearest to come last.

    Args:
        vectors: ``(D,)`` by clip; standardised over these clips.

    Raises:
        ValueError: fewer clips than scenes.
    """
    from sklearn.cluster import KMeans  # slow to import
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.preprocessing import StandardScaler

    clips = sorted(vectors)
    if len(clips) < settings.clusters:
        raise ValueError(
            f"scenes.clusters: {settings.clusters} scenes need as many training clips with '{settings.feature}', "
            f"there are {len(clips)}; lower clusters"
        )
    points = StandardScaler().fit_transform(np.stack([vectors[clip] for clip in clips]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different clips than scenes: the notes say so
        found = KMeans(settings.clusters, n_init=10, random_state=settings.seed).fit(points)
    order = list(dict.fromkeys([*found.labels_.tolist(), *range(settings.clusters)]))
    own = [[clip for clip, label in zip(clips, found.labels_, strict=True) if label == scene] for scene in order]
    return [_scene(place, own, found.cluster_centers_[order], settings.min_clips) for place in range(len(order))]


def _scene(place: int, own: Sequence[list[str]], centres: np.ndarray, least: int) -> Scene:
    """The clips nearest to one of the centres ``(K, D)``, with those of the next centres as long as they are few."""
    clips, taken = list(own[place]), []
    distances = np.linalg.norm(centres - centres[place], axis=1)
    for other in np.argsort(distances, kind="stable").tolist():
        if len(clips) < least and other != place and own[other]:
            clips += own[other]
            taken.append(other + 1)
    notes = [f"scene {place + 1} of {len(own)}: {len(own[place])} of {sum(map(len, own))} training clips"]
    if taken:
        notes.append(f"{notes.pop()}, too few (scenes.min_clips is {least}): trained on those of {_named(taken)} too")
    return Scene(sorted(clips), notes)


def _named(scenes: Sequence[int]) -> str:
    return f"scene{'s' if len(scenes) > 1 else ''} {' and '.join(map(str, scenes))}"
