"""State of the transcripts that a speech recogniser makes."""

from __future__ import annotations

from collections.abc import Mapping

from abaw_pipeline.features.text.made import TranscriptPlan, is_due
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.state.manifests import manifest_or_none
from abaw_pipeline.state.state import MISSING, State
from abaw_pipeline.state.words import clips_in_words, code_changes, count, settings_changes


def transcripts_state(plan: TranscriptPlan, layout: Layout, sounds: Mapping[str, str], media: State) -> State:
    """Of all clips together.

    Args:
        sounds: content digest of the sound of each clip that has media.
    """
    state = State(f"transcripts of {layout.dataset}", inputs=[media])
    due = due_clips(plan, layout, sounds)
    unheard = {clip for clip in due if not layout.transcript(clip).is_file()}
    parts = [manifest_or_none(path) for path in sorted(layout.transcripts_shard(0).parent.glob("[0-9]*.json"))]
    changes = [line for part in parts[:1] if part for line in _about_changes(part.about, plan)]
    state.stale(clips_in_words(unheard, "not transcribed"), MISSING)
    state.stale((changes or clips_in_words(due - unheard, "with other sound")) if due - unheard else [])
    state.stale([f"{media.what} is {media.status}"] if media.affected else [])
    state.affected = due | media.affected
    state.work = f"transcribe {count(len(state.affected), 'clip')}" if state.affected else ""
    return state


def due_clips(plan: TranscriptPlan, layout: Layout, sounds: Mapping[str, str]) -> set[str]:
    """Clips that the next run would transcribe; a corrected file that cannot be read is kept too, and reported."""
    found = set()
    for clip, sound in sounds.items():
        try:
            if is_due(plan, clip, layout, sound):
                found.add(clip)
        except ValueError:
            continue
    return found


def _about_changes(before: Mapping[str, object], plan: TranscriptPlan) -> list[str]:
    now = plan.about
    if before["key"] == now["key"]:
        return []
    found = settings_changes(before["settings"], now["settings"])  # type: ignore[arg-type]
    found += ["the recogniser has other weights"] if before["weights"] != now["weights"] else []
    return found + code_changes(before["modules"], now["modules"])  # type: ignore[arg-type]
