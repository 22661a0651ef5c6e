"""What making one feature means, as data: settings, spec and key. Imports no torch: Snakemake reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import FileWeights, HubWeights, RandomWeights
from abaw_pipeline.runtime.code import code_digest, code_parts, library_text
from abaw_pipeline.runtime.digests import remembered_digest
from abaw_pipeline.runtime.keys import digest, file_digest

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
    weights: dict[str, Any] | None
    """What tells the weights apart."""
    code: str
    """Digest of the code."""
    random: bool

    @property
    def key(self) -> str:
        return self.key_with(self.code)

    def key_with(self, code: str) -> str:
        """The key that this feature has, or had, with another digest of its code."""
        named = self.settings.model_dump(mode="json", exclude_defaults=True, exclude={"extractor", "weights"})
        made_from = {"extractor": self.settings.extractor, "settings": named, "weights": self.weights}
        return digest({**made_from, "code": code, "version": self.spec.version})

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose code decides the values, imports apart."""
        return (*self.spec.code, *_STAGE[self.spec.modality])

    @property
    def libraries(self) -> str:
        """Versions of the libraries that compute the values; every clip notes those it was made with."""
        return library_text(*self.modules)

    @property
    def about(self) -> dict[str, Any]:
        """The description written into every artefact made from this plan."""
        spec = {name: value for name, value in asdict(self.spec).items() if name not in ("code", "needs_weights")}
        return {
            "feature": self.name,
            "key": self.key,
            "extractor": self.settings.extractor,
            "settings": self.settings.model_dump(mode="json", exclude={"extractor", "weights"}),
            "weights": self.weights,
            "random_weights": self.random,
            "spec": spec,
            "code": self.code,
            "modules": code_parts(*self.modules),
        }


def plan_feature(name: str, settings: ExtractorSettings, allow_random: bool, memory: Path | None = None) -> FeaturePlan:
    """Check a feature's settings and compute its key.

    Args:
        memory: file that remembers digests of weights files (``runtime/digests.py``); ``None``: they are read.

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
    code = code_digest(*spec.code, *_STAGE[spec.modality])
    return FeaturePlan(name, settings, spec, _identity(settings.weights, memory), code, random)


def _identity(weights: FileWeights | HubWeights | RandomWeights | None, memory: Path | None) -> dict[str, Any] | None:
    """What tells weights apart: their bytes where these are known, never where the file lies."""
    if weights is None:
        return None
    if isinstance(weights, RandomWeights):
        return {"random": weights.seed}
    if weights.sha256:
        return {"sha256": weights.sha256}
    if isinstance(weights, HubWeights):
        return {"repo": weights.repo, "file": weights.file, "revision": weights.revision}
    path = Path(weights.path)
    if not path.is_file():
        raise ValueError(f"weights: {path}: no such file")
    return {"sha256": file_digest(path) if memory is None else remembered_digest(path, memory)}
