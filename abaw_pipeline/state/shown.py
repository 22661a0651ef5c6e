"""``abaw features NAME --clip C``: one clip's table in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.config import Config
from abaw_pipeline.features.extract import survey
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.media.store import read_clock
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.manifests import manifest_or_none
from abaw_pipeline.state.words import few
from abaw_pipeline.strict import nearest
from abaw_pipeline.types import Clip, Clock, FrameTable

_MOST_NAMES = 12


@dataclass(frozen=True)
class Shown:
    """One feature of one clip, as it lies in the store."""

    feature: str
    dataset: str
    clip: str
    table: FrameTable
    clock: Clock
    about: Mapping[str, Any]
    """The attributes of its store."""
    stale: bool
    """Whether settings, code or media are others now."""

    def lines(self) -> Iterator[tuple[str, str]]:
        """What there is to say of it: a word, and the rest of the line."""
        values, valid = self.table.values, self.table.valid
        rows = values[valid].astype(np.float64)
        frames, dimension = values.shape
        yield "shape", f"{frames} frames x {dimension} values, {values.dtype}"
        yield "valid", f"{len(rows)} of {frames} frames ({_share(len(rows), frames)})"
        if len(rows):
            spread = f"mean {rows.mean():.4g}, standard deviation {rows.std():.4g}"
            yield "range", f"{rows.min():.4g} to {rows.max():.4g}, {spread} (valid frames)"
            constant = int((np.ptp(rows, axis=0) == 0).sum())
            if constant and len(rows) > 1:
                yield "constant", f"{constant} of {dimension} values are the same in every valid frame"
        yield "content", str(self.about["content"])
        again = f"stale: settings, code or media are others now ('abaw why {self.feature}' says which)"
        yield "state", again if self.stale else "up to date"
        yield from self._made_by()

    def _made_by(self) -> Iterator[tuple[str, str]]:
        about = self.about
        settings = ", ".join(f"{name} {value}" for name, value in about["settings"].items() if value is not None)
        yield "extractor", f"{about['extractor']} ({settings})" if settings else str(about["extractor"])
        yield "weights", _weights(about["weights"])
        if "precision" in about:
            yield "precision", str(about["precision"])
        yield "libraries", str(about["libraries"]) or "none that compute"
        yield "key", str(about["key"])


def shown(config: Config, feature: str, clip: str, dataset: str | None) -> Shown:
    """Read one clip's table of a feature of the settings.

    Args:
        dataset: ``None``: the one data set that has the clip.

    Raises:
        ValueError: an unknown clip, one that several data sets have, or one whose table is not there.
    """
    layout = _place(config, clip, dataset)
    store = FeatureStore(layout.feature_store(feature))
    about = store.attributes(clip)
    if about is None:
        raise ValueError(f"{feature} of {layout.dataset}/{clip}: {_why_not(layout, feature, clip)}")
    found = survey(config.plan(feature), [Clip(clip, clip)], layout)
    table, clock = store.read(clip), read_clock(layout, clip)
    if len(clock) != len(table.valid):
        counts = f"{len(table.valid)} rows for {len(clock)} frames"
        raise ValueError(f"{feature} of {layout.dataset}/{clip}: {counts}; {_again(layout, feature)}")
    return Shown(feature, layout.dataset, clip, table, clock, about, clip in found.todo or bool(found.skipped))


def _place(config: Config, clip: str, dataset: str | None) -> Layout:
    layouts = [Layout(Path(config.results), name) for name in ([dataset] if dataset else config.datasets)]
    known = {layout.dataset: _clips(layout) for layout in layouts}
    having = [layout for layout in layouts if clip in known[layout.dataset]]
    if len(having) > 1:
        names = ", ".join(layout.dataset for layout in having)
        raise ValueError(f"clip '{clip}' is in {names}; choose one with --dataset")
    if not having:
        raise ValueError(f"no clip '{clip}' in {', '.join(known)}{_nearest(clip, set().union(*known.values()))}")
    return having[0]


def _clips(layout: Layout) -> set[str]:
    """Every clip of a data set's index, left out or not."""
    index = manifest_or_none(layout.clips)
    return {*index.clips, *(row.clip for row in index.skipped)} if index else set()


def _nearest(clip: str, known: set[str]) -> str:
    if not known:
        return "; none is listed yet, 'abaw index' does"
    near = nearest(clip, known)
    return near if near.endswith("?") else f"; there are {few(sorted(known), _MOST_NAMES)}"


def _why_not(layout: Layout, feature: str, clip: str) -> str:
    """Why a clip has no table: the reason for which a stage left it out, or that none was made yet."""
    manifests = [layout.clips, *layout.media_shards(), layout.feature_manifest(feature)]
    for manifest in filter(None, map(manifest_or_none, manifests)):
        for row in manifest.skipped:
            if row.clip == clip:
                return f"left out: {row.reason}"
    return f"not extracted yet; {_again(layout, feature)}"


def _again(layout: Layout, feature: str) -> str:
    return f"make it with 'abaw extract {layout.dataset} {feature}'"


def _weights(identities: Mapping[str, Mapping[str, Any]]) -> str:
    told = []
    for field, identity in identities.items():
        words = ", ".join("random, seed " + str(v) if k == "random" else f"{k} {v}" for k, v in identity.items())
        told.append(words if len(identities) == 1 else f"{field}: {words}")
    return "; ".join(told) or "none needed"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
