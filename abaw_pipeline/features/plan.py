"""What making one feature means, as data: settings, spec and key. Imports no torch: Snakemake reads it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from abaw_pipeline.features.base import ExtractorSettings, Source, Spec
from abaw_pipeline.features.published.cache import offers, published_file, require_for
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import (
    AnyWeights,
    FolderWeights,
    HubWeights,
    PublishedWeights,
    RandomWeights,
    SnapshotWeights,
)
from abaw_pipeline.runtime.code import code_digest, code_parts, library_text
from abaw_pipeline.runtime.digests import remembered_digest
from abaw_pipeline.runtime.keys import digest, file_digest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse

_CHOICES = "{source: file, path: ...}, {source: hub, repo: ..., file: ..., revision: ...} or {source: random}"

# Modules that every feature of a source goes through and that decide its values.
_STAGE: dict[Source, tuple[str, ...]] = {
    "faces": ("features.frames",),
    "frames": ("features.frames",),
    "sound": ("features.align",),
    "files": (),
}

_PICTURE_THREADS = 4
"""Pictures are decoded and prepared in so many threads beside the network, or go through it in them without a GPU."""


@dataclass(frozen=True)
class FeaturePlan:
    """One named feature of the settings.

    ``key`` changes exactly when its values may: with the extractor, its settings, its weights, its code, its version.
    The feature's name and the place of its weights file do not count.
    """

    name: str
    settings: ExtractorSettings
    spec: Spec
    weights: dict[str, dict[str, Any]]
    """What tells the weights apart, by the field of the settings that holds them."""
    code: str
    """Digest of the code."""
    random: bool
    memory: Path | None = None
    """File that remembers digests of large files it is made from."""
    precision: str = "auto"
    """As the settings have it; ``auto`` where there is no network."""

    @property
    def key(self) -> str:
        return self.key_with(self.code)

    def key_with(self, code: str) -> str:
        """The key that this feature has, or had, with another digest of its code."""
        apart = {"extractor", *_fields(self.settings), *self.spec.places}
        named = self.settings.model_dump(mode="json", exclude_defaults=True, exclude=apart)
        made_from = {"extractor": self.settings.extractor, "settings": named, "weights": self.weights}
        return digest({**made_from, **self._chosen, "code": code, "version": self.spec.version})

    @property
    def _chosen(self) -> dict[str, str]:
        return {} if self.precision == "auto" else {"precision": self.precision}

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose code decides the values, imports apart."""
        return (*self.spec.code, *_STAGE[self.spec.source])

    @property
    def threads(self) -> int:
        """CPU threads that one of its jobs uses."""
        return _PICTURE_THREADS if self.spec.source in ("faces", "frames") else 1

    @property
    def libraries(self) -> str:
        """Versions of the libraries that compute the values; every clip notes those it was made with."""
        return library_text(*self.modules)

    @property
    def listing(self) -> str:
        """Sign of the files that it is made from (names, sizes, times), seen while Snakemake reads the rules."""
        return EXTRACTORS[self.settings.extractor].listing(self.settings) if self.spec.source == "files" else ""

    def on(self, layout: Layout) -> FeaturePlan:
        """This plan for one data set: ``{results}`` and ``{dataset}`` written out in its places. Same key."""
        places = {name: _written_out(getattr(self.settings, name), layout) for name in self.spec.places}
        return replace(self, settings=self.settings.model_copy(update=places)) if places else self

    @property
    def about(self) -> dict[str, Any]:
        """The description written into every artefact made from this plan."""
        spec = {name: value for name, value in asdict(self.spec).items() if name not in ("code", "weights", "places")}
        return {
            "feature": self.name,
            "key": self.key,
            "extractor": self.settings.extractor,
            "settings": self.settings.model_dump(
                mode="json", exclude={"extractor", *_fields(self.settings), *self.spec.places}
            )
            | self._chosen,
            "weights": self.weights,
            "random_weights": self.random,
            "spec": spec,
            "code": self.code,
            "modules": code_parts(*self.modules),
        }


def declared(raw: dict[str, Any]) -> Spec | None:
    """The spec of a feature as it is written in a settings file; ``None`` where there is no such extractor.

    Raises:
        ValueError: settings that the extractor does not take.
    """
    extractor = EXTRACTORS.get(str(raw.get("extractor")))
    if extractor is None:
        return None
    spec: Spec = extractor.spec(parse(extractor.Settings, raw, "features"))
    return spec


def plan_feature(
    name: str, settings: ExtractorSettings, allow_random: bool, memory: Path | None = None, precision: str = "auto"
) -> FeaturePlan:
    """Check a feature's settings and compute its key.

    Args:
        memory: file that remembers digests of weights files (``runtime/digests.py``); ``None``: they are read.

    Raises:
        ValueError: weights missing, given in vain, or random without leave; a weights file that is not there.
    """
    spec: Spec = EXTRACTORS[settings.extractor].spec(settings)
    given = {field: getattr(settings, field) for field in _fields(settings)}
    random = any(isinstance(weights, RandomWeights) for weights in given.values())
    for field in spec.weights:
        if field not in given:
            known = offers(settings.extractor, field)
            raise ValueError(f"{field}: '{settings.extractor}' is a network and needs them: {_CHOICES}{known}")
    for field, weights in given.items():
        if isinstance(weights, PublishedWeights):
            require_for(weights.name, settings.extractor, field)
    if given and not spec.weights:
        raise ValueError(f"weights: '{settings.extractor}' takes none; remove the key")
    if random and not allow_random:
        raise ValueError("weights: random ones are refused unless the settings say 'allow_random_weights: true'")
    code = code_digest(*spec.code, *_STAGE[spec.source])
    identities = {field: weights_identity(weights, memory) for field, weights in given.items()}
    chosen = precision if spec.network else "auto"
    return FeaturePlan(name, settings, spec, identities, code, random, memory, chosen)


def _fields(settings: ExtractorSettings) -> list[str]:
    """The fields that hold weights."""
    return [name for name in type(settings).model_fields if isinstance(getattr(settings, name), get_args(AnyWeights))]


def _written_out(place: Any, layout: Layout) -> Any:
    """A text, or a settings model with texts, in which the names of results folder and data set are filled in."""
    if isinstance(place, str):
        return place.replace("{results}", str(layout.results)).replace("{dataset}", layout.dataset)
    if isinstance(place, BaseModel):
        return place.model_copy(update={name: _written_out(value, layout) for name, value in place})
    return place


def weights_identity(weights: AnyWeights, memory: Path | None) -> dict[str, Any]:
    """What tells weights apart: their bytes where these are known, never where the file lies.

    Raises:
        ValueError: a file or folder that is not there, or published weights that are not here.
    """
    if isinstance(weights, RandomWeights):
        return {"random": weights.seed}
    if isinstance(weights, SnapshotWeights):
        return {"repo": weights.repo, "revision": weights.revision}
    if isinstance(weights, FolderWeights):
        return {"folder": _folder_digest(Path(weights.path), memory)}
    if isinstance(weights, PublishedWeights):
        return {"sha256": published_file(weights.name, memory)[1]}
    if weights.sha256:
        return {"sha256": weights.sha256}
    if isinstance(weights, HubWeights):
        return {"repo": weights.repo, "file": weights.file, "revision": weights.revision}
    path = Path(weights.path)
    if not path.is_file():
        raise ValueError(f"weights: {path}: no such file")
    return {"sha256": _file_digest(path, memory)}


def _folder_digest(folder: Path, memory: Path | None) -> str:
    """Over names and bytes of every file in a model's folder, hidden ones apart."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"weights: {folder}: no model of transformers there (no config.json)")
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    seen = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return digest({name.as_posix(): _file_digest(folder / name, memory) for name in seen})


def _file_digest(path: Path, memory: Path | None) -> str:
    return file_digest(path) if memory is None else remembered_digest(path, memory)
