"""What making one feature means, as data: settings, spec and key. Imports no torch: Snakemake reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import FileWeights, HubWeights, RandomWeights
from abaw_pipeline.runtime.keys import code_digest, digest, file_digest

_CHOICES = "{source: file, path: ...}, {source: hub, repo: ..., file: ..., revision: ...} or {source: random}"

# Modules that every feature of a modality goes through and that decide its values.
_STAGE = {"visual": ("features.frames",), "audio": ("features.align",)}


@dataclass(frozen=True)
class FeaturePlan:
    """One named feature of the settings.

    ``key`` changes exactly when its values may: with the extractor, its settings, its weights, its code, its version.
    The feature's name and the place of its weights file do not count.
    """

    name: str
    settings: ExtractorSettings
    spec: Spec
    key: str
    random: bool

    @property
    def about(self) -> dict[str, Any]:
        """The description written into every artefact made from this plan."""
        spec = {name: value for name, value in asdict(self.spec).items() if name not in ("code", "needs_weights")}
        return {
            "feature": self.name,
            "key": self.key,
            "extractor": self.settings.extractor,
            "settings": self.settings.model_dump(mode="json", exclude={"extractor", "weights"}),
            "weights": _identity(self.settings.weights),
            "random_weights": self.random,
            "spec": spec,
        }


def plan_feature(name: str, settings: ExtractorSettings, allow_random: bool) -> FeaturePlan:
    """Check a feature's settings and compute its key.

    Raises:
        ValueError: weights missing, given in vain, or random without leave; a weights file that is not there.
    """
    spec: Spec = EXTRACTORS[settings.extractor].spec(settings)
    random = isinstance(settings.weights, RandomWeights)
    if spec.needs_weights and settings.weights is None:
        raise ValueError(f"weights: '{settings.extractor}' is a network and needs them: {_CHOICES}")
    if not spec.needs_weights and settings.weights is not None:
        raise ValueError(f"weights: '{settings.extractor}' takes none; remove the key")
    if random and not allow_random:
        raise ValueError("weights: random ones are refused unless the settings say 'allow_random_weights: true'")
    key = digest(
        {
            "extractor": settings.extractor,
            "settings": settings.model_dump(mode="json", exclude_defaults=True, exclude={"extractor", "weights"}),
            "weights": _identity(settings.weights),
            "code": code_digest(*spec.code, *_STAGE[spec.modality]),
            "version": spec.version,
        }
    )
    return FeaturePlan(name, settings, spec, key, random)


def _identity(weights: FileWeights | HubWeights | RandomWeights | None) -> dict[str, Any] | None:
    """What tells weights apart: their bytes where these are known, never where the file lies."""
    if weights is None:
        return None
    if isinstance(weights, RandomWeights):
        return {"random": weights.seed}
    if weights.sha256:
        return {"sha256": weights.sha256}
    if isinstance(weights, HubWeights):
        return {"repo": weights.repo, "file": weights.file, "revision": weights.revision}
    return {"sha256": _file_sha256(Path(weights.path))}


def _file_sha256(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"weights: {path}: no such file")
    state = path.stat()
    return _hashed(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _hashed(path: Path, modified: int, size: int) -> str:
    """Time and size spare hashing a large file twice in one process; they never enter a key."""
    return file_digest(path)
