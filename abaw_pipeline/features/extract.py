"""One feature of many clips: skip what is done, compute the rest, say what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.remake import Remake
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.writer import Writer
from abaw_pipeline.media.store import contents_of
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip, FrameTable, Skipped

if TYPE_CHECKING:
    import torch

STAGE = "extract"


@dataclass
class Survey:
    """What a feature lacks: found by comparing keys, before anything heavy is imported."""

    keys: dict[str, str] = field(default_factory=dict)
    """The key that each clip's table must have."""
    todo: list[str] = field(default_factory=list)
    """Clips whose table is missing or has another key."""
    skipped: list[Skipped] = field(default_factory=list)


def survey(plan: FeaturePlan, clips: Sequence[Clip], layout: Layout, media: Manifest | None = None) -> Survey:
    """Compare the store of one feature with what the settings ask for. Opens no recording, no sound, no crop.

    Args:
        media: what the media stage made; clips it left out are passed over with its reason.
    """
    found, store, plan = Survey(), FeatureStore(layout.feature_store(plan.name)), plan.on(layout)
    left_out = {row.clip: row.reason for row in media.skipped} if media else {}
    for clip in clips:
        if clip.id in left_out:
            found.skipped.append(Skipped(clip.id, STAGE, f"left out by the media stage: {left_out[clip.id]}"))
            continue
        try:
            key = clip_key(plan, clip.id, _contents(layout, clip.id, media))
        except ValueError as error:
            found.skipped.append(Skipped(clip.id, STAGE, str(error)))
            continue
        found.keys[clip.id] = key
        if store.key(clip.id) != key:
            found.todo.append(clip.id)
    return found


def clip_key(plan: FeaturePlan, clip: str, contents: Mapping[str, str]) -> str:
    """Key of one clip's table: the feature's, and the content of what it is made from.

    Args:
        contents: content digests of the clip's media.

    Raises:
        ValueError: a feature made from files finds none for the clip; one made from whole pictures, before they are.
    """
    source, extractor = plan.spec.source, EXTRACTORS[plan.settings.extractor]
    if source not in ("files", *contents):
        raise ValueError("its whole pictures were not packed yet; make its media again")
    own = extractor.content(plan.settings, clip, plan.memory) if source == "files" else contents[source]
    return digest({"feature": plan.key, "clock": contents["clock"], source: own})


def clip_keys(plan: FeaturePlan, layout: Layout, contents: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Key of each clip's table, by clip; a clip that the feature finds no files for has none.

    Args:
        contents: content digests of the media of each clip.
    """
    plan, keys = plan.on(layout), {}
    for clip, own in contents.items():
        with suppress(ValueError):
            keys[clip] = clip_key(plan, clip, own)
    return keys


def _contents(layout: Layout, clip: str, media: Manifest | None) -> dict[str, str]:
    entry = media.clips.get(clip) if media else None
    return entry["contents"] if entry else contents_of(layout, clip)


def extract(
    plan: FeaturePlan,
    clips: Sequence[Clip],
    layout: Layout,
    device: Callable[[], torch.device] | None = None,
    batch_size: int = 32,
    media: Manifest | None = None,
    journal: Journal = NO_JOURNAL,
    compiled: bool = False,
) -> Manifest:
    """Bring the store of one feature up to date for ``clips``.

    A clip whose key matches is left as it is. A clip that cannot be done is reported in ``skipped``, and every other
    one is finished. The device is asked for, and the network loaded, once, and only if there is work.

    Args:
        device: gives the device to compute on; may wait for one. ``None``: the CPU.
        media: as in ``survey``.
        compiled: whether networks of pictures are compiled first.

    Returns:
        Per clip ``key``, ``content``, ``rows``, ``valid`` (number of valid rows), ``libraries`` and ``precision``.

    Raises:
        ValueError: the weights do not load or do not fit.
        CannotWrite: the disk is full or read-only. That is no fault of a clip.
    """
    found, store = survey(plan, clips, layout, media), FeatureStore(layout.feature_store(plan.name))
    manifest = Manifest(plan.about, skipped=found.skipped)
    if found.todo:
        from abaw_pipeline.runtime.device import named

        remake = Remake(plan, layout, device, batch_size, compiled)
        journal.begin(len(found.todo), named(remake.device), plan.key)
        for clip, reason in _make(remake, found, store, journal).items():
            manifest.skipped.append(Skipped(clip, STAGE, str(reason)))
            del found.keys[clip]
        journal.end()
    manifest.clips = {clip: _entry(store, clip) for clip in found.keys}
    return manifest


def _make(remake: Remake, found: Survey, store: FeatureStore, journal: Journal) -> dict[str, ValueError]:
    """Fill the store with what is to do, one clip written while others compute; returns why some were not done."""
    plan = remake.plan
    about = {**plan.about, "libraries": plan.libraries, "precision": remake.precision}

    def write(clip: str, frames: int, tables: Iterator[FrameTable]) -> None:
        shape = (frames, plan.spec.dimension)
        store.write_blocks(clip, tables, shape, found.keys[clip], about, plan.spec.dtype)
        journal.did(clip, frames)

    with Writer(found.todo, write, f"extract {plan.name}") as writer, closing(remake.tables(found.todo)) as tables:
        for made in tables:
            writer.put(made)
    return writer.failed


def _entry(store: FeatureStore, clip: str) -> dict[str, Any]:
    attributes = {"precision": "float32", **(store.attributes(clip) or {})}  # it was not always noted
    return {name: attributes[name] for name in ("key", "content", "rows", "valid", "libraries", "precision")}
