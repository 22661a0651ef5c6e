"""One feature of many clips: skip what is done, compute the rest, say what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from abaw_pipeline.features.align import align
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.store import Faces, Pictures, contents_of, read_clock, read_sound
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
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
) -> Manifest:
    """Bring the store of one feature up to date for ``clips``.

    A clip whose key matches is left as it is. A clip that cannot be done is reported in ``skipped``, and every other
    one is finished. The device is asked for, and the network loaded, once, and only if there is work.

    Args:
        device: gives the device to compute on; may wait for one. ``None``: the CPU.
        media: as in ``survey``.

    Returns:
        Per clip ``key``, ``content``, ``rows``, ``valid`` (number of valid rows) and ``libraries``.

    Raises:
        ValueError: the weights do not load or do not fit.
        CannotWrite: the disk is full or read-only. That is no fault of a clip.
    """
    found = survey(plan, clips, layout, media)
    manifest = Manifest(plan.about, skipped=found.skipped)
    store, about = FeatureStore(layout.feature_store(plan.name)), {**plan.about, "libraries": plan.libraries}
    if found.todo:
        remake = Remake(plan, layout, device, batch_size)
        journal.begin(len(found.todo))
    for clip in progress(found.todo, f"extract {plan.name}"):
        try:
            table = remake.table(clip)
            store.write(clip, table, found.keys[clip], about, plan.spec.dtype)
            journal.did(clip, len(table.valid))
        except ValueError as error:
            manifest.skipped.append(Skipped(clip, STAGE, str(error)))
            del found.keys[clip]
    if found.todo:
        journal.end()
    manifest.clips = {clip: _entry(store, clip) for clip in found.keys}
    return manifest


def _entry(store: FeatureStore, clip: str) -> dict[str, Any]:
    attributes = store.attributes(clip) or {}
    return {name: attributes[name] for name in ("key", "content", "rows", "valid", "libraries")}


class Remake:
    """A feature's tables, computed anew: the extractor with its network on a device.

    Raises:
        ValueError: the weights do not load or do not fit.
    """

    def __init__(
        self, plan: FeaturePlan, layout: Layout, device: Callable[[], torch.device] | None, batch_size: int = 32
    ) -> None:
        import torch  # only where there is work

        self.plan, self.layout, self.batch_size = plan.on(layout), layout, batch_size
        self.device = device() if device else torch.device("cpu")
        self.extractor = EXTRACTORS[plan.settings.extractor](self.plan.settings)
        self.extractor.load(self.device)

    def table(self, clip: str) -> FrameTable:
        """One clip's table; ``ValueError`` where it cannot be made."""
        if self.plan.spec.source == "files":
            return self.extractor.table(clip, read_clock(self.layout, clip))
        return self._sound(clip) if self.plan.spec.source == "sound" else self._pictures(clip)

    def _pictures(self, clip: str) -> FrameTable:
        from abaw_pipeline.features.frames import embed_frames  # imports torch: only where there is work

        frames = len(read_clock(self.layout, clip))
        reader = Pictures if self.plan.spec.source == "frames" else Faces
        with reader(self.layout, clip) as pictures:
            if len(pictures.valid) != frames:
                raise ValueError(f"{len(pictures.valid)} pictures for {frames} frames; make its media again")
            return embed_frames(self.extractor, pictures, self.plan.spec.dimension, self.device, self.batch_size)

    def _sound(self, clip: str) -> FrameTable:
        clock, sound = read_clock(self.layout, clip), read_sound(self.layout, clip)
        blocks = list(self.extractor.describe(sound.samples))
        values = np.concatenate([np.empty((0, self.plan.spec.dimension), np.float32), *(rows for rows, _ in blocks)])
        centres = np.concatenate([np.empty(0), *(times for _, times in blocks)])
        return align(values, centres, sound.start_s, sound.heard, self.plan.spec.unit_s, clock)
