"""Predictions of models that were never trained, written as ``abaw infer`` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.keys import array_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout

Said = Mapping[str, tuple[str, np.ndarray]]
"""By clip its role and what is predicted for it, ``(n, C)``."""


def write_predictions(
    layout: Layout,
    model: tuple[str, str, int],
    said: Said,
    task: str = "va",
    trained_on: Sequence[str] = (),
    random: Sequence[str] = (),
) -> None:
    """All predictions of one model (experiment, fold, seed) for a data set."""
    store = ArrayStore(layout.predictions(*model), "abaw infer")
    manifest = Manifest({"trained_on": list(trained_on), "random_features": list(random)})
    for clip, (role, values) in said.items():
        key = array_digest(values)
        content = store.write_arrays(clip, {task: values.astype(np.float32)}, key, {})
        manifest.clips[clip] = {"key": key, "content": content, "rows": len(values), "role": role}
    manifest.write(layout.predictions_manifest(*model))
