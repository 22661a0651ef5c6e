"""Ensembles and sample files, made up, and the submission files written from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.settings import SubmissionSettings
from abaw_pipeline.submission.write import write_submission
from abaw_pipeline.tracks import TRACKS


def ensemble(layout: Layout, predictions: Mapping[str, np.ndarray], task: str = "va", name: str = "mean") -> None:
    """What an ensemble leaves behind, for these clips."""
    store = ArrayStore(layout.ensemble(name), "abaw ensemble")
    about = {"ensemble": name, "models": ["gru/fold1-0"], "random_features": ["densenet"], "scores": {}}
    manifest = Manifest(about)
    Manifest({"model": "key of the model"}).write(layout.predictions_manifest("gru", "fold1", 0))
    for clip, values in predictions.items():
        content = store.write_arrays(clip, {task: values.astype(np.float32)}, f"key of {clip}", {})
        manifest.clips[clip] = {"key": f"key of {clip}", "content": content}
    manifest.write(layout.ensemble_manifest(name))


def sample(layout: Layout, names: Sequence[str], track: str = "va") -> Path:
    """A sample file of these rows, each of which ends in a comma."""
    path = layout.sample(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([TRACKS[track].header, *(f"{name}," for name in names)]) + "\n")
    return path


def asked(track: str = "va", name: str = "mean") -> Asked:
    """The submission of one ensemble, or of those called as the tasks that they predict."""
    tasks = TRACKS[track].tasks
    return Asked("demo", name, track, {task: task for task in tasks} if len(tasks) > 1 else {track: name})


def write(layout: Layout, track: str = "va", **settings: object) -> Path:
    return write_submission(layout, asked(track), SubmissionSettings(**settings))
