"""The stage ``transcribe``: what a speech recogniser hears in each clip, as files for people to read and correct."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from abaw_pipeline.features.text.made import TranscriptPlan, document, is_due, made
from abaw_pipeline.media.store import contents_of, read_sound
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.types import Clip, Skipped

if TYPE_CHECKING:
    import torch

STAGE = "transcribe"


def transcribe(
    plan: TranscriptPlan,
    clips: Sequence[Clip],
    layout: Layout,
    device: Callable[[], torch.device] | None = None,
    media: Manifest | None = None,
    journal: Journal = NO_JOURNAL,
) -> Manifest:
    """Bring the transcripts of ``clips`` up to date; corrected ones, and those whose key matches, stay.

    Args:
        device: gives the device to compute on; asked only where there is work. ``None``: the CPU.
        media: what the media stage made; clips it left out are passed over with its reason.

    Returns:
        Per clip ``key``, ``content``, and whether it was ``corrected``.

    Raises:
        ValueError: the recogniser does not load.
    """
    manifest, due = Manifest(plan.about), dict[str, str]()
    left_out = {row.clip: f"left out by the media stage: {row.reason}" for row in media.skipped} if media else {}
    for clip in clips:
        try:
            sound = _sound_of(clip.id, layout, media) if clip.id not in left_out else ""
            if sound and is_due(plan, clip.id, layout, sound):
                due[clip.id] = sound
        except ValueError as error:
            left_out[clip.id] = str(error)
    if due:
        left_out |= _make(plan, due, layout, device, journal)
    for clip in clips:
        if clip.id in left_out:
            manifest.skipped.append(Skipped(clip.id, STAGE, left_out[clip.id]))
        elif there := made(layout.transcript(clip.id)):
            manifest.clips[clip.id] = asdict(there)
    return manifest


def _sound_of(clip: str, layout: Layout, media: Manifest | None) -> str:
    """Content digest of a clip's sound."""
    entry = media.clips.get(clip) if media else None
    return str((entry["contents"] if entry else contents_of(layout, clip))["sound"])


def _make(
    plan: TranscriptPlan,
    due: Mapping[str, str],
    layout: Layout,
    device: Callable[[], torch.device] | None,
    journal: Journal,
) -> dict[str, str]:
    """Write the transcripts of clips, given with their sound's digest; returns why some could not be made."""
    import torch  # only where there is work

    from abaw_pipeline.features.text.recognise import Recogniser
    from abaw_pipeline.runtime.device import named

    place = device() if device else torch.device("cpu")
    recogniser = Recogniser(plan.settings, place)
    failed: dict[str, str] = {}
    journal.begin(len(due), named(place), plan.key)
    for clip, content in progress(due.items(), "transcribe", total=len(due)):
        try:
            sound, path = read_sound(layout, clip), layout.transcript(clip)
        except ValueError as error:
            failed[clip] = str(error)
            continue
        text = document(plan, content, recogniser.words(sound.samples, sound.start_s), path)
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        journal.did(clip)
    journal.end()
    return failed
