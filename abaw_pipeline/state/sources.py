"""State of the data set, its media and its features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.index import index_about, index_entries, look
from abaw_pipeline.datasets.registry import ADAPTERS
from abaw_pipeline.features.extract import clip_keys
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.media.build import media_about, stale_parts
from abaw_pipeline.media.codes import media_modules
from abaw_pipeline.media.parts import asked_parts
from abaw_pipeline.runtime.code import library_text
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.losses import missing_index_files
from abaw_pipeline.state.manifests import manifest_or_none
from abaw_pipeline.state.state import MISSING, STALE, State
from abaw_pipeline.state.transcripts import transcripts_state
from abaw_pipeline.state.words import clips_in_words, code_changes, count, settings_changes


class DataNow:
    """One data set as its folders and its results are now. Everything is read once.

    Args:
        stacked: gives the predictions that a feature is made from (``stack``); none of other features.
    """

    def __init__(
        self, config: Config, dataset: str, stacked: Callable[[str, str], list[State]] = lambda feature, dataset: []
    ) -> None:
        self.config, self.dataset, self._stacked = config, dataset, stacked
        self.layout = Layout(Path(config.results), dataset)
        self.settings = config.datasets[dataset]

    @cached_property
    def found(self) -> DataSet:
        """The data set as its folders are now; reads files whose size or times are new.

        Before anything was made of it there is nothing to compare their content with, and none is read.
        """
        if not self.layout.clips.is_file() and not self._media_manifests:
            return ADAPTERS[self.settings.adapter](self.settings, f"datasets.{self.dataset}")
        return look(self.dataset, self.settings, self.layout)

    @cached_property
    def index(self) -> State:
        state = State(f"index of {self.dataset}")
        indexed = manifest_or_none(self.layout.clips)
        entries = index_entries(self.found)
        if indexed is None:
            state.stale(["it was never listed"], MISSING)
            state.affected, state.whole = set(entries), True
        else:
            known = indexed.clips
            new, gone = entries.keys() - known.keys(), known.keys() - entries.keys()
            both = entries.keys() & known.keys()
            replaced = {clip for clip in both if entries[clip]["digest"] != known[clip]["digest"]}
            labelled = {clip for clip in both if entries[clip]["labels"] != known[clip]["labels"]}
            other = {clip for clip in both if entries[clip] != known[clip]} - replaced - labelled
            state.stale(clips_in_words(new, "new") + clips_in_words(gone, "no longer there"))
            state.stale(clips_in_words(replaced, "with other content") + clips_in_words(labelled, "with other labels"))
            state.stale(clips_in_words(other, "in another split or place") + self._about_changes(indexed))
            state.stale([f"gone: {name}" for name in missing_index_files(self.layout, self.settings)])
            state.affected = new | replaced | other
        state.work = "" if state.fine else "list the clips"
        return state

    def _about_changes(self, indexed: Manifest) -> list[str]:
        now = index_about(self.dataset, self.settings, self.found)["samples"]
        before = indexed.about["samples"]
        return [
            f"sample file of {task} changed" for task in sorted({*now, *before}) if now.get(task) != before.get(task)
        ]

    @cached_property
    def media(self) -> State:
        state = State(f"media of {self.dataset}", inputs=[self.index])
        parts, about = list(self._media_manifests), media_about(self.config.media)
        entries = self.media_entries
        skipped = self.media_skipped
        stale = {clip.id for clip in self.found.clips if stale_parts(clip, self.layout, self.config.media)}
        if parts and all(part.about["key"] == about["key"] for part in parts):
            stale -= skipped - self.index.affected  # tried with these settings, and reported
        changes = [line for part in parts[:1] for line in _about_changes(part.about, about)]
        state.stale(changes if stale and changes else [])
        state.stale(clips_in_words(stale - entries.keys(), "not made yet"), STALE if parts else MISSING)
        lost = {clip for clip in stale & entries.keys() if self._media_gone(clip)}
        state.stale(clips_in_words(lost, "with files gone"))
        if not changes:
            state.stale(clips_in_words((stale & entries.keys()) - lost, "with other content than their media"))
        state.affected, state.work = stale, "" if not stale else f"make media of {count(len(stale), 'clip')}"
        modules = media_modules(self.config.media)
        notes = Counter(text for entry in entries.values() for text in entry["libraries"].values())
        state.notes = _library_notes(notes, {library_text(module) for module in modules.values()})
        return state

    @cached_property
    def _media_manifests(self) -> list[Manifest]:
        return [Manifest.read(path, "abaw media") for path in self.layout.media_shards()]

    @cached_property
    def media_entries(self) -> dict[str, dict[str, Any]]:
        return {clip: entry for part in self._media_manifests for clip, entry in part.clips.items()}

    @cached_property
    def media_skipped(self) -> set[str]:
        """Clips that the media stage left out."""
        return {row.clip for part in self._media_manifests for row in part.skipped}

    def _media_gone(self, clip: str) -> bool:
        parts = asked_parts(self.layout, clip, self.config.media)
        return not all(parts[part].is_file() for part in self.media_entries[clip]["contents"] if part in parts)

    @cache  # noqa: B019  # lives as long as the command
    def feature(self, name: str) -> State:
        plan = self.config.plan(name).on(self.layout)
        read = [self.transcripts] if reads_made(plan.settings) and self.transcripts else []
        inputs = [self.media, *read, *self._stacked(name, self.dataset)]
        state = State(f"feature {name} on {self.dataset}", inputs=inputs)
        joined = self.feature_manifest(name)
        wanted = {clip.id for clip in self.found.clips if clip.id in self.media_entries} - self.media.affected
        store = FeatureStore(self.layout.feature_store(name))
        keys = clip_keys(plan, self.layout, {clip: self.media_entries[clip]["contents"] for clip in wanted})
        skipped = {row.clip for row in joined.skipped} if joined else set()
        have = {clip: store.key(clip) for clip in wanted}
        state.whole = joined is not None and joined.about["key"] != plan.key
        stale = {clip for clip in wanted if have[clip] != keys.get(clip)} - (set() if state.whole else skipped)
        if joined is None:
            state.stale(["it was never extracted"] if stale or not wanted else ["its manifest is gone"], MISSING)
        elif state.whole:
            state.stale(_plan_changes(joined.about, plan))
        else:
            gone = {clip for clip in stale if have[clip] is None and clip in joined.clips}
            state.stale(clips_in_words(gone, "gone from the store"))
            new = {clip for clip in stale if clip not in joined.clips}
            state.stale(clips_in_words(new, "not extracted yet"))
            made_from = "files" if plan.spec.source == "files" else "media"
            state.stale(clips_in_words(stale - gone - new, f"with other {made_from} than it was made from"))
        state.affected = stale.union(*(part.affected for part in state.inputs))
        state.stale([f"{part.what} is {part.status}" for part in state.inputs if part.affected])
        state.work = f"extract {count(len(state.affected), 'clip')}" if state.affected else ""
        noted = Counter(entry["libraries"] for entry in joined.clips.values()) if joined else Counter()
        state.notes = _library_notes(noted, {plan.libraries})
        return state

    @cached_property
    def transcripts(self) -> State | None:
        """Where a recogniser is named."""
        plan = self.config.plan_transcripts()
        sounds = {clip: entry["contents"]["sound"] for clip, entry in self.media_entries.items()}
        kept = {clip.id: sounds[clip.id] for clip in self.found.clips if clip.id in sounds.keys() - self.media.affected}
        return transcripts_state(plan, self.layout, kept, self.media) if plan else None

    @cache  # noqa: B019  # lives as long as the command
    def feature_manifest(self, name: str) -> Manifest | None:
        return manifest_or_none(self.layout.feature_manifest(name))


def _about_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if before["key"] == now["key"]:
        return []
    return settings_changes(before["settings"], now["settings"]) + code_changes(before["modules"], now["modules"])


def _plan_changes(before: Mapping[str, Any], plan: FeaturePlan) -> list[str]:
    """What differs between a feature's manifest and its plan; at least one line."""
    now = plan.about
    found = settings_changes(before["settings"], now["settings"])
    if before["extractor"] != now["extractor"]:
        found.append(f"extractor: was {before['extractor']}, is {now['extractor']}")
    if before["weights"] != now["weights"]:
        found.append(f"weights: were {_weights(before['weights'])}, are {_weights(now['weights'])}")
    if before["code"] != now["code"]:
        found += code_changes(before["modules"], now["modules"]) or ["versions of libraries count (libraries: rerun)"]
    return found or ["the extractor's version was raised"]


def _weights(identities: Mapping[str, Mapping[str, Any]]) -> str:
    known = [(name, value) for identity in identities.values() for name, value in identity.items()]
    return ", ".join(f"{name} {str(value)[:12]}" for name, value in known) or "none"


def _library_notes(made_with: Mapping[str, int], now: Iterable[str]) -> list[str]:
    """One line for each other set of versions that something was made with."""
    current = set(now)
    return [
        f"{count(number, 'part')} made with {text or 'no library'}, now {'; '.join(sorted(current))}"
        for text, number in sorted(made_with.items())
        if text not in current
    ]
