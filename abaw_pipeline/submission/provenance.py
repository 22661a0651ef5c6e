"""Where a result comes from: versions of the program and of what it leans on."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from abaw_pipeline import __version__
from abaw_pipeline.runtime.code import PACKAGE
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.rows import LACKING, PAST_THE_END, Rows, worst
from abaw_pipeline.submission.settings import SubmissionSettings

LIBRARIES = ("torch", "torchvision", "torchaudio", "numpy", "zarr", "av", "opencv-python-headless", "opensmile")


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """Commit of the working tree the package is run from, ``-dirty`` with local changes; ``None`` outside one."""
    command = ["git", "-C", str(PACKAGE), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def provenance(
    layout: Layout,
    asked: Asked,
    fused: Mapping[str, Manifest],
    rows: Mapping[str, Rows],
    settings: SubmissionSettings,
) -> dict[str, Any]:
    """What a submission is made from and what became of its rows; ``fused`` and ``rows`` by task."""
    state = worst(list(rows.values()))
    return {
        "track": asked.track,
        "ensembles": {task: _ensemble(asked.ensembles[task], manifest) for task, manifest in fused.items()},
        "models": {name: key for manifest in fused.values() for name, key in model_keys(layout, manifest).items()},
        "random_features": sorted({name for manifest in fused.values() for name in manifest.about["random_features"]}),
        "versions": versions(),
        "commit": git_commit(),
        "rows": len(state.clips),
        "fill": settings.fill,
        "filled": state.count(LACKING),
        "took_the_last_frame": state.count(PAST_THE_END),
    }


def ensemble_key(manifest: Manifest) -> str:
    """Digest of what an ensemble is and of all that it predicted."""
    return digest([manifest.about, {clip: entry["content"] for clip, entry in manifest.clips.items()}])


def _ensemble(name: str, manifest: Manifest) -> dict[str, Any]:
    return {"ensemble": name, "key": ensemble_key(manifest), "scores": manifest.about["scores"]}


def model_keys(layout: Layout, ensemble: Manifest) -> dict[str, str]:
    """Key of every trained model of an ensemble, by ``experiment/fold-seed``."""
    found = {}
    for name in ensemble.about["models"]:
        experiment, run = name.split("/")
        fold, _, seed = run.rpartition("-")
        path = layout.predictions_manifest(experiment, fold, int(seed))
        found[name] = Manifest.read(path, f"abaw infer {experiment} --dataset {layout.dataset}").about["model"]
    return found


def versions() -> dict[str, str]:
    """Version of the package, of Python and of the libraries that decide values."""
    found = {"abaw-pipeline": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
