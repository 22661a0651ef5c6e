"""One feature of many clips: skip what is done, compute the rest, say what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from abaw_pipeline.features.align import align
from abaw_pipeline.features.frames import embed_frames
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.store import Faces, read_clock, read_sound
from abaw_pipeline.runtime.keys import array_digest, digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.types import Clip, FrameTable, Skipped


def extract(
    plan: FeaturePlan,
    clips: Sequence[Clip],
    layout: Layout,
    device: torch.device,
    batch_size: int = 32,
    media: Manifest | None = None,
) -> Manifest:
    """Bring the store of one feature up to date for ``clips``.

    A clip whose key matches is left as it is. A clip that cannot be done is reported in ``skipped``, and every other
    one is finished. The network is loaded once, and only if there is work.

    Args:
        media: what the media stage made; clips it left out are passed over with its reason.

    Returns:
        Per clip ``key``, ``content``, ``rows`` and ``valid`` (number of valid rows).

    Raises:
        ValueError: the weights do not load or do not fit.
    """
    work = _Work(plan, layout, device, batch_size)
    manifest = Manifest(plan.about)
    left_out = {row.clip: row.reason for row in media.skipped} if media else {}
    keys: dict[str, str] = {}
    for clip in clips:
        if clip.id in left_out:
            manifest.skipped.append(Skipped(clip.id, "extract", f"left out by the media stage: {left_out[clip.id]}"))
            continue
        try:
            keys[clip.id] = work.key(clip.id)
        except ValueError as error:
            manifest.skipped.append(Skipped(clip.id, "extract", str(error)))
    todo = [name for name, key in keys.items() if work.store.key(name) != key]
    if todo:
        work.load()
    for name in progress(todo, f"extract {plan.name}"):
        try:
            work.do(name, keys[name])
        except ValueError as error:
            manifest.skipped.append(Skipped(name, "extract", str(error)))
            del keys[name]
    manifest.clips = {name: work.entry(name) for name in keys}
    return manifest


@dataclass
class _Work:
    plan: FeaturePlan
    layout: Layout
    device: torch.device
    batch_size: int

    def __post_init__(self) -> None:
        self.store = FeatureStore(self.layout.feature_store(self.plan.name))
        self.extractor = EXTRACTORS[self.plan.settings.extractor](self.plan.settings)

    def load(self) -> None:
        self.extractor.load(self.device)

    def key(self, clip: str) -> str:
        """Key of one clip's table: the feature's, and the content of the media it is made from."""
        clock = array_digest(read_clock(self.layout, clip).times)
        if self.plan.spec.modality == "visual":
            with Faces(self.layout, clip) as faces:
                content = faces.content
        else:
            content = read_sound(self.layout, clip).content
        return digest({"feature": self.plan.key, "clock": clock, self.plan.spec.modality: content})

    def do(self, clip: str, key: str) -> None:
        table = self._visual(clip) if self.plan.spec.modality == "visual" else self._audio(clip)
        self.store.write(clip, table, key, self.plan.about, self.plan.spec.dtype)

    def entry(self, clip: str) -> dict[str, Any]:
        attributes = self.store.attributes(clip) or {}
        return {name: attributes[name] for name in ("key", "content", "rows", "valid")}

    def _visual(self, clip: str) -> FrameTable:
        frames = len(read_clock(self.layout, clip))
        with Faces(self.layout, clip) as faces:
            if len(faces.valid) != frames:
                raise ValueError(f"{len(faces.valid)} face rows for {frames} frames; make its media again")
            return embed_frames(self.extractor, faces, self.plan.spec.dimension, self.device, self.batch_size)

    def _audio(self, clip: str) -> FrameTable:
        clock, sound = read_clock(self.layout, clip), read_sound(self.layout, clip)
        values, centres = self.extractor.describe(sound.samples)
        return align(values, centres, sound.start_s, sound.heard, self.plan.spec.unit_s, clock)
