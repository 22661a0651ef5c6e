"""Code that differs from the code that made the results, and how to find out whether that changes values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.features.extract import Remake
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.codes import media_codes, media_modules
from abaw_pipeline.media.plan import media_keys
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.listed import Training, trainings
from abaw_pipeline.state.words import count, few
from abaw_pipeline.training.card import card_in_weights
from abaw_pipeline.training.gather import Material, gather, material_key
from abaw_pipeline.training.infer import prediction_store
from abaw_pipeline.training.plan import PREDICTION_MODULES, recipe, training_code, training_modules
from abaw_pipeline.training.sources import Sources
from abaw_pipeline.training.train import make_model

if TYPE_CHECKING:
    import torch

Device = Callable[[], "torch.device"]
Check = Callable[[Path], tuple[str, str]]
"""A folder to work in, to what was made again, in words, and what differs (empty: nothing)."""


@dataclass(frozen=True)
class Changed:
    """One stage whose code differs from what is recorded in its results."""

    what: str
    names: tuple[str, ...]
    modules: tuple[str, ...]
    recorded: str
    """Digest of the code that made what is kept."""
    check: Check


def changes(config: Config, clips: int, tolerance: float, device: Device) -> Iterator[Changed]:
    """Every change, in the order of the stages: a later one is looked for when the earlier ones are decided."""
    for dataset in config.datasets:
        layout = Layout(Path(config.results), dataset)
        yield from _media(config, layout, clips)
        for name in config.features:
            yield from _feature(config, layout, name, clips, tolerance, device)
    yield from _trained(config, device)
    seen: set[str] = set()
    for training in trainings(config):
        for dataset in training.predicts:
            yield from _prediction(config, training, dataset, clips, tolerance, device, seen)


def _media(config: Config, layout: Layout, clips: int) -> Iterator[Changed]:
    parts = [Manifest.read(path, "abaw media") for path in layout.media_shards()]
    modules = media_modules(config.media)
    for part, now in media_codes(config.media).items() if parts else ():
        recorded = parts[0].about["code"].get(part, now)  # a part that was never made has no other code
        if recorded != now:
            check = partial(_check_media, config, layout, parts, part, clips)
            yield Changed(f"media of {layout.dataset}, {part}", ("media",), (modules[part],), recorded, check)


def _check_media(
    config: Config, layout: Layout, parts: list[Manifest], part: str, most: int, folder: Path
) -> tuple[str, str]:
    entries = {clip: entry for one in parts for clip, entry in one.clips.items()}
    recorded = {**media_codes(config.media), **parts[0].about["code"]}
    kind = "faces" if part == "official" else part
    same = []
    for clip in read_clips(layout):
        # Nothing but the code may differ, or the comparison would say nothing about the code.
        if clip.id in entries and _agree(media_keys(clip, config.media, recorded).asked, entries[clip.id]["keys"]):
            same.append(clip)
    chosen = sorted(same, key=lambda clip: entries[clip.id]["frames"])[:most]
    if not chosen:
        return "", "no clip whose media differ by nothing but code"
    made = build_media(chosen, Layout(folder, layout.dataset), config.media)
    differing = [
        clip.id
        for clip in chosen
        if clip.id not in made.clips or made.clips[clip.id]["contents"][kind] != entries[clip.id]["contents"][kind]
    ]
    return count(len(chosen), "clip"), f"{kind} of {differing[0]} come out different" if differing else ""


def _agree(now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether the keys of all parts are equal that were and are asked for."""
    return all(now[part] == before[part] for part in now.keys() & before.keys())


def _feature(
    config: Config, layout: Layout, name: str, clips: int, tolerance: float, device: Device
) -> Iterator[Changed]:
    path = layout.feature_manifest(name)
    if not path.is_file():
        return
    plan, manifest = config.plan(name), Manifest.read(path, "abaw join")
    if manifest.about["code"] != plan.code:
        check = partial(_check_feature, plan, layout, manifest, clips, tolerance, device, config.batch)
        what = f"feature {name} on {layout.dataset}"
        yield Changed(what, (name,), plan.modules, manifest.about["code"], check)


def _check_feature(
    plan: FeaturePlan,
    layout: Layout,
    manifest: Manifest,
    most: int,
    tolerance: float,
    device: Device,
    batch: int,
    folder: Path,
) -> tuple[str, str]:
    if plan.key_with(manifest.about["code"]) != manifest.about["key"]:
        return "", "its settings, weights or version changed too"
    chosen = sorted(manifest.clips, key=lambda clip: (manifest.clips[clip]["rows"], clip))[:most]
    remake, store = Remake(plan, layout, device, batch), FeatureStore(layout.feature_store(plan.name))
    for clip in chosen:
        kept, made = store.read(clip, manifest.clips[clip]["key"]), remake.table(clip)
        if len(kept.valid) != len(made.valid) or (kept.valid != made.valid).any():
            return "", f"valid rows of {clip} come out different"
        if difference := _difference(kept.values, made.values.astype(kept.values.dtype), tolerance):
            return "", f"values of {clip} come out different, {difference}"
    return count(len(chosen), "clip"), "" if chosen else "no clip to compare"


def _difference(kept: np.ndarray, made: np.ndarray, tolerance: float) -> str:
    """In words; empty where no value differs by more than ``tolerance``."""
    if kept.shape != made.shape:
        return f"shape {made.shape} in place of {kept.shape}"
    off = np.abs(kept.astype(np.float64) - made.astype(np.float64))
    return f"by up to {off.max():.3g}" if off.size and off.max() > tolerance else ""


def _trained(config: Config, device: Device) -> Iterator[Changed]:
    """One change per code, whatever the number of trainings that share it."""
    groups: dict[tuple[str, str], list[Training]] = {}
    for training in trainings(config):
        card = card_in_weights(Layout(Path(config.results), training.dataset).model(*training.name))
        now = training_code(training.settings)
        if card is not None and card.code != now:
            groups.setdefault((card.code, now), []).append(training)
    for (recorded, _), group in groups.items():
        names = tuple({training.experiment for training in group})
        check = partial(_check_training, config, group, device)
        what = f"training of {few([str(training) for training in group])}"
        yield Changed(what, names, training_modules(group[0].settings), recorded, check)


def _check_training(config: Config, group: list[Training], device: Device, folder: Path) -> tuple[str, str]:
    """Train one of ``group`` again: the first from which nothing differs but code."""
    for training in group:
        layout = Layout(Path(config.results), training.dataset)
        card = card_in_weights(layout.model(*training.name))
        keys = {name: config.plan(name).key for name in training.settings.every_feature}
        material = gather(training.settings, training.fold, training.seed, layout, keys)
        if card and _key_by(card.code, training, material) == card.key:
            made = make_model(*training.name, layout, material, device, folder / "model")
            return str(training), "" if made.content == card.content else f"weights of {training} come out different"
    return "", "settings or data changed too, in every one of them"


def _key_by(code: str, training: Training, material: Material) -> str:
    plan = recipe(training.settings, training.fold, training.seed, code)
    return material_key(plan, material.fold, material.data)


def _prediction(
    config: Config, training: Training, dataset: str, clips: int, tolerance: float, device: Device, seen: set[str]
) -> Iterator[Changed]:
    layout = Layout(Path(config.results), dataset)
    path = layout.predictions_manifest(*training.name)
    if not path.is_file():
        return
    manifest, now = Manifest.read(path, "abaw infer"), code_digest(*PREDICTION_MODULES)
    recorded = manifest.about["code"]
    if recorded != now and recorded + now not in seen:
        seen.add(recorded + now)
        check = partial(_check_prediction, config, training, manifest, layout, clips, tolerance, device)
        yield Changed(f"prediction, as of {training}", tuple(config.experiments), PREDICTION_MODULES, recorded, check)


def _check_prediction(
    config: Config,
    training: Training,
    manifest: Manifest,
    layout: Layout,
    most: int,
    tolerance: float,
    device: Device,
    folder: Path,
) -> tuple[str, str]:
    from abaw_pipeline.training.model_store import load_model  # imports torch: only where a check needs it

    model = load_model(Layout(Path(config.results), training.dataset).model(*training.name), device())
    if model.card.key != manifest.about["model"]:
        return "", "its model changed too"
    keys = {name: config.plan(name).key for name in training.settings.features}
    sources, store = Sources(layout, training.settings.features, keys), prediction_store(*training.name, layout)
    chosen = sorted(manifest.clips, key=lambda clip: (manifest.clips[clip]["rows"], clip))[:most]
    stills = {clip.id for clip in read_clips(layout) if clip.stills}
    for clip in chosen:
        made = model.predict(dict(zip(sources.names, sources.read(clip), strict=True)), clip, clip in stills)
        kept = store.read_arrays(clip, manifest.clips[clip]["key"])
        for task, values in made.items():
            if difference := _difference(kept[task], values, tolerance):
                return "", f"predictions of {clip} come out different, {difference}"
    return count(len(chosen), "clip"), "" if chosen else "no clip to compare"
