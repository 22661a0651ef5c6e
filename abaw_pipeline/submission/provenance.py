"""Where a result comes from: versions of the program and of what it leans on."""

from __future__ import annotations

import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from abaw_pipeline import __version__
from abaw_pipeline.runtime.code import PACKAGE
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout

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
