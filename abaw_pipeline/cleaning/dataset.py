"""What lies in one data set's folder and is not wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from abaw_pipeline.cleaning.places import (
    STORE,
    Place,
    groups,
    is_manifest,
    manifests,
    names,
    present,
    read_object,
    store_parts,
)
from abaw_pipeline.cleaning.trainings import RUN, trainings
from abaw_pipeline.cleaning.wanted import Wanted
from abaw_pipeline.datasets.base import some
from abaw_pipeline.features.text.made import made
from abaw_pipeline.media.parts import every_part
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape, unescape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.packing import zip_path
from abaw_pipeline.submission.write import provenance_path
from abaw_pipeline.tracks import TRACKS


def is_ours(home: Path) -> bool:
    """Whether a folder under ``results`` is a data set's: its index, or the listing before it, is there."""
    return is_manifest(home / "clips.json") or set(read_object(home / "listing.json")) == {"listing"}


def unwanted(layout: Layout, want: Wanted) -> Iterator[Place]:
    """Every place of the layout that nothing refers to.

    Manifests come before what they list, and the index, by which the folder is known to be ours, comes last.
    """
    yield from _shards(layout, want)
    yield from _features(layout, want)
    yield from _transcripts(layout, want)
    yield from trainings(layout, want)
    yield from _predictions(layout, want)
    yield from _ensembles(layout, want)
    yield from _submissions(layout, want)
    if want.clips is not None:
        yield from _clips(layout, want, want.clips)
    if not want.dataset:
        yield Place(layout.home, "no such data set", _index(layout))


def _index(layout: Layout) -> tuple[Path, ...]:
    tables = [*layout.labels("x").parent.glob("*.npz"), *layout.sample("x").parent.glob("*.txt")]
    return present(layout.listing, layout.clips, layout.home / "digests.json", *sorted(tables))


def _shards(layout: Layout, want: Wanted) -> Iterator[Place]:
    media = layout.media_shard(0).parent
    beyond = f"beyond shards: {want.shards}"
    yield Place(media, beyond, _beyond(media, want.shards))
    heard = layout.transcripts_shard(0).parent
    yield Place(heard, beyond, _beyond(heard, want.shards if want.transcripts else 0))
    for feature in names(layout.feature_shard("", 0).parent):
        folder = layout.feature_shard(feature, 0).parent
        known = feature in want.features
        reason = beyond if known else f"no feature '{feature}'"
        yield Place(folder, reason, _beyond(folder, want.shards if known else 0))


def _beyond(folder: Path, shards: int) -> tuple[Path, ...]:
    numbers = [name for name in names(folder, ".json", files=True) if name.isdecimal() and int(name) >= shards]
    return manifests(*(folder / f"{name}.json" for name in numbers))


def _features(layout: Layout, want: Wanted) -> Iterator[Place]:
    folder = layout.feature_store("").parent
    for feature in _stored(folder):
        if feature not in want.features:
            parts = (*manifests(layout.feature_manifest(feature)), *store_parts(layout.feature_store(feature)))
            yield Place(layout.feature_store(feature), f"no feature '{feature}'", parts)


def _transcripts(layout: Layout, want: Wanted) -> Iterator[Place]:
    """Those that nobody corrected, of clips that are gone, or without a recogniser in the settings."""
    clips = map(unescape, names(layout.transcripts, layout.transcript("x").suffix, files=True))
    known = want.clips if want.transcripts else frozenset[str]()
    gone = [clip for clip in clips if known is not None and clip not in known]
    parts = tuple(path for path in map(layout.transcript, gone) if _uncorrected(path))
    reason = _gone(layout, gone) if want.transcripts else "no recogniser in the settings"
    yield Place(layout.transcripts, reason, parts)


def _uncorrected(path: Path) -> bool:
    """Whether it is a transcript as the recogniser left it."""
    try:
        there = made(path)
    except ValueError:
        return False
    return there is not None and not there.corrected


def _predictions(layout: Layout, want: Wanted) -> Iterator[Place]:
    folder = layout.predictions("x", "x", 0).parents[1]
    for experiment in names(folder):
        for run in filter(RUN.fullmatch, _stored(folder / experiment)):
            if (experiment, run) not in want.predictions:
                store = _prediction_store(layout, experiment, run)
                parts = (*manifests(store.with_suffix(".json")), *store_parts(store))
                yield Place(store, f"nothing asks for predictions of '{experiment}/{run}' here", parts)


def _prediction_store(layout: Layout, experiment: str, run: str) -> Path:
    fold, _, seed = run.rpartition("-")
    return layout.predictions(experiment, fold, int(seed))


def _ensembles(layout: Layout, want: Wanted) -> Iterator[Place]:
    folder = layout.ensemble("x").parent
    for name in sorted({*_stored(folder), *names(folder)} - want.ensembles):
        if name.endswith(STORE):
            continue
        parts = (*manifests(layout.ensemble_manifest(name)), *store_parts(layout.ensemble(name)))
        yield Place(layout.ensemble(name), f"no ensemble '{name}' of this data set", parts)
        yield Place(layout.curves(name), f"no ensemble '{name}' of this data set", _curves(layout.curves(name)))


def _curves(folder: Path) -> tuple[Path, ...]:
    """The files that ``done.json`` lists, and itself."""
    done = folder / "done.json"
    if not is_manifest(done):
        return ()
    clips = Manifest.read(done, "abaw curves").clips
    return (done, *present(*(folder / f"{escape(clip)}{end}" for clip in clips for end in (".csv", ".png"))))


def _submissions(layout: Layout, want: Wanted) -> Iterator[Place]:
    folder = layout.submission("x", "va").parents[1]
    for name in names(folder):
        for track in TRACKS:
            if (name, track) not in want.submissions:
                file = layout.submission(name, track)
                parts = present(file, zip_path(file), provenance_path(file))
                yield Place(file, f"no submission of '{name}' for '{track}'", parts)


def _clips(layout: Layout, want: Wanted, clips: frozenset[str]) -> Iterator[Place]:
    """Media and stored arrays of clips that the index does not list."""
    media = layout.clock("x").parents[1]
    gone = [clip for clip in map(unescape, names(media)) if clip not in clips]
    files = [path for clip in gone for path in every_part(layout, clip).values()]
    yield Place(media, _gone(layout, gone), present(*files))
    if want.dataset and not want.frames:
        kept = [clip for clip in map(unescape, names(media)) if clip in clips]
        yield Place(media, "media.frames is not set", present(*(layout.frames(clip) for clip in kept)))
    stores = [layout.feature_store(name) for name in sorted(want.features)]
    stores += [_prediction_store(layout, *run) for run in sorted(want.predictions)]
    stores += [layout.ensemble(name) for name in sorted(want.ensembles)]
    for store in stores:
        gone = [unescape(name) for name in names(store) if unescape(name) not in clips]
        ours = set(groups(store)) if gone else set()
        parts = [store / escape(clip) for clip in gone if escape(clip) in ours]
        yield Place(store, _gone(layout, gone), tuple(parts))


def _gone(layout: Layout, clips: list[str]) -> str:
    return f"clips that {layout.dataset} no longer has: {some(clips)}"


def _stored(folder: Path) -> list[str]:
    """Names of which a folder has a store or a manifest."""
    return sorted({*names(folder, STORE), *names(folder, ".json", files=True)})
