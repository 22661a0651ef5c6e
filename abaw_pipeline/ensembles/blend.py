"""Fuse the predictions of several members, per clip and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abaw_pipeline.ensembles.apply import Choice, apply, given
from abaw_pipeline.ensembles.compound import compound
from abaw_pipeline.ensembles.members import Member, Members, gathered, lacking, model_names, open_members
from abaw_pipeline.ensembles.outoffold import choice_of
from abaw_pipeline.ensembles.scores import score_roles
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.outputs import keep_only
from abaw_pipeline.types import Skipped

# A clip may be held out of one model and only tested by another: it counts as what says most about the ensemble.
_ROLES = ("val", "apart", "test", "all")


@dataclass(frozen=True)
class Fusing:
    """An ensemble at work.

    Attributes:
        members: in the order of ``choice.members``.
        chosen: what the manifest says of what was searched; empty where nothing was.
    """

    name: str
    settings: EnsembleSettings
    members: list[Member]
    choice: Choice
    chosen: dict[str, Any]

    def key(self, clip: str) -> str:
        return blend_key(self.settings, {m.name: m.contents(clip) for m in self.members}, self.chosen)

    def weighted(self, clip: str) -> bool:
        """Whether every column has a member with a weight that predicted the clip."""
        places = [place for place, member in enumerate(self.members) if member.having(clip)]
        return bool((self.choice.weights[places] > 0).any(axis=0).all())

    def fuse(self, clip: str) -> np.ndarray:
        """``(n, C)`` float32; ``ValueError`` where the models disagree on the number of frames."""
        task = TASKS[self.settings.read]
        values = apply(*gathered(self.members, clip, self.settings), self.choice, self.settings, task)
        return compound(values, self.settings.compound) if self.settings.compound else values


def blend(
    name: str,
    settings: EnsembleSettings,
    members: Members,
    layout: Layout,
    journal: Journal = NO_JOURNAL,
    columns: Mapping[str, Sequence[str]] | None = None,
    home: Layout | None = None,
) -> Manifest:
    """Fuse what the models of ``members`` predicted for one data set; clips whose key matches are kept.

    A clip that some model should have predicted and did not takes the mean over the others, and is reported in
    ``skipped``. ``about["scores"]`` has the scores of the labelled clips of each role (``training.infer.roles``);
    those of ``val`` are out of fold. ``about["choice"]`` says what was searched and found.

    Args:
        members: the ensemble's experiments and ensembles, wildcards written out.
        columns: by column the members that it takes; ``None``: every column takes all.
        home: layout of the data set that is chosen on, where it is another one.

    Returns:
        The manifest, as written: per clip ``key``, ``content``, ``rows``, ``models`` (how many) and ``role``.

    Raises:
        ValueError: no member, predictions missing or stale, models that disagree on the frames of a clip, or nothing
            to choose by.
    """
    fusing = _prepare(name, settings, members, layout, columns, home)
    store = ArrayStore(layout.ensemble(name), f"abaw ensemble {name} --dataset {layout.dataset}")
    models = [model for member in fusing.members for model in member.models]
    manifest = Manifest(_about(fusing), skipped=lacking(models))
    clips = sorted({clip for model in models for clip in model.manifest.clips if model.role(clip)})
    keys = {clip: fusing.key(clip) for clip in clips}
    for row in _fuse([clip for clip in clips if store.key(clip) != keys[clip]], keys, fusing, store, journal):
        manifest.skipped.append(row)
        del keys[row.clip]
    predictions = {clip: store.read_arrays(clip, key)[settings.task] for clip, key in keys.items()}
    manifest.clips = {clip: _entry(clip, fusing, keys[clip], predictions[clip], store) for clip in keys}
    keep_only(store, manifest.clips)
    roles = {clip: entry["role"] for clip, entry in manifest.clips.items()}
    manifest.about["scores"], misfits = score_roles(predictions, roles, settings, layout)
    manifest.skipped += misfits
    manifest.write(layout.ensemble_manifest(name))
    return manifest


def blend_code(settings: EnsembleSettings) -> str:
    """Digest of the code that fuses."""
    return code_digest("ensembles.apply", *(["ensembles.compound"] if settings.compound else []))


def blend_key(settings: EnsembleSettings, contents: Mapping[str, Sequence[str]], chosen: Mapping[str, Any]) -> str:
    """Key of one clip's fused predictions.

    Args:
        contents: by member the digests of what its models predicted, sorted.
        chosen: as ``Fusing.chosen``.
    """
    how = settings.model_dump(mode="json", exclude={"members", "datasets", "extra_rows"}, exclude_defaults=True)
    found = sorted((name, list(own)) for name, own in contents.items())
    return digest([how, settings.task, found, chosen.get("columns"), blend_code(settings)])


def _prepare(
    name: str,
    settings: EnsembleSettings,
    members: Members,
    layout: Layout,
    columns: Mapping[str, Sequence[str]] | None,
    home: Layout | None,
) -> Fusing:
    if not members:
        raise ValueError(f"ensemble '{name}' has no member")
    task, opened = TASKS[settings.read], open_members(members, layout, settings)
    choice = given(task, settings, columns or {column: list(members) for column in task.columns})
    opened = [next(member for member in opened if member.name == each) for each in choice.members]
    if not settings.searches:
        return Fusing(name, settings, opened, choice, {})
    try:
        choice, chosen = _chosen(name, settings, opened, choice, layout, home)
    except ValueError as error:
        raise ValueError(f"ensemble '{name}': {error}") from None
    return Fusing(name, settings, opened, choice, chosen)


def _chosen(
    name: str, settings: EnsembleSettings, members: list[Member], start: Choice, layout: Layout, home: Layout | None
) -> tuple[Choice, dict[str, Any]]:
    """Chosen here, or read from where it was chosen."""
    place = home or layout
    path = place.ensemble_manifest(name)
    if place.dataset != layout.dataset:
        known = Manifest.read(path, f"abaw ensemble {name} --dataset {place.dataset}").about["choice"]
        return Choice.read(known["columns"], start.members, TASKS[settings.read]), known
    earlier = Manifest.read(path, "").about.get("choice", {}) if path.is_file() else {}
    return choice_of(members, settings, start, layout, earlier)


def _fuse(
    todo: Sequence[str], keys: Mapping[str, str], fusing: Fusing, store: ArrayStore, journal: Journal
) -> list[Skipped]:
    """Fuse and store; returns the clips that no member with a weight predicted."""
    skipped: list[Skipped] = []
    if not todo:
        return skipped
    journal.begin(len(todo))
    for clip in progress(todo, "fuse"):
        if not fusing.weighted(clip):
            skipped.append(Skipped(clip, "ensemble", "no member that has a weight predicted it"))
            continue
        try:
            values = fusing.fuse(clip)
        except ValueError as error:
            raise ValueError(f"{clip}: {error}; run 'abaw infer' again for its models") from None
        store.write_arrays(clip, {fusing.settings.task: values}, keys[clip], {})
        journal.did(clip, len(values))
    journal.end()
    return skipped


def _entry(clip: str, fusing: Fusing, key: str, values: np.ndarray, store: ArrayStore) -> dict[str, Any]:
    """What the manifest says of a clip."""
    having = [model for member in fusing.members for model in member.having(clip)]
    return {
        "key": key,
        "content": (store.attributes(clip) or {})["content"],
        "rows": len(values),
        "models": len(having),
        "role": min((str(model.role(clip)) for model in having), key=_ROLES.index),
    }


def _about(fusing: Fusing) -> dict[str, Any]:
    models = [model for member in fusing.members for model in member.models]
    return {
        "ensemble": fusing.name,
        "task": fusing.settings.task,
        "method": fusing.settings.method,
        **({"compound": fusing.settings.compound} if fusing.settings.compound else {}),
        "members": [member.name for member in fusing.members],
        "models": model_names(fusing.members),
        "choice": fusing.chosen,
        "random_features": sorted({f for model in models for f in model.manifest.about["random_features"]}),
    }
