"""Transcripts in the results: what making them means, as data, and what lies there. Imports no torch.

``transcripts/<clip>.vtt`` is WebVTT. A comment at its head says what made it and what it said then: a file whose words
or times are no longer those was corrected by hand, and is kept whatever else changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.features.plan import weights_identity
from abaw_pipeline.features.text.cues import as_vtt, parse_cues
from abaw_pipeline.features.text.settings import RecogniserSettings
from abaw_pipeline.features.text.transcripts import read_text
from abaw_pipeline.features.text.words import Words, words_digest
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.runtime.code import code_digest, code_parts
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.paths import Layout

MODULES = ("features.text.recognise", "features.text.cues")
_SHA = "([0-9a-f]{64})"
_MADE = re.compile(rf"WEBVTT\n\nNOTE\nmade by .*\nkey: {_SHA}\nwords: {_SHA}\ntext: {_SHA}(?=\n)")


@dataclass(frozen=True)
class TranscriptPlan:
    """What making transcripts means: the recogniser, and a key that changes exactly when what it hears may."""

    settings: RecogniserSettings
    weights: dict[str, Any]
    code: str

    @property
    def random(self) -> bool:
        return isinstance(self.settings.weights, RandomWeights)

    @property
    def key(self) -> str:
        named = self.settings.model_dump(mode="json", exclude_defaults=True, exclude={"weights"})
        return digest({"settings": named, "weights": self.weights, "code": self.code})

    @property
    def about(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "settings": self.settings.model_dump(mode="json", exclude={"weights"}),
            "weights": self.weights,
            "random_weights": self.random,
            "code": self.code,
            "modules": code_parts(*MODULES),
        }


def plan_transcripts(settings: RecogniserSettings, allow_random: bool, memory: Path | None = None) -> TranscriptPlan:
    """Check the recogniser's settings.

    Raises:
        ValueError: weights that are not there, or random ones without leave.
    """
    plan = TranscriptPlan(settings, weights_identity(settings.weights, memory), code_digest(*MODULES))
    if plan.random and not allow_random:
        raise ValueError("weights: random ones are refused unless the settings say 'allow_random_weights: true'")
    return plan


@dataclass(frozen=True)
class Made:
    """A transcript in the results."""

    key: str
    """Of the recogniser and the sound that made it; empty where its comment is gone."""
    content: str
    """Digest of its words and times."""
    corrected: bool
    """Whether a person changed it."""


def made(path: Path) -> Made | None:
    """What lies in a transcript's place.

    Raises:
        ValueError: a file that was corrected into no WebVTT; names file and line.
    """
    if not path.is_file():
        return None
    text = read_text(path)
    comment = _MADE.match(text)
    if comment and comment[3] == digest(text[comment.end() :]):  # as it was written: nothing to parse
        return Made(comment[1], comment[2], corrected=False)
    content = words_digest(parse_cues(text, path))
    return Made(comment[1] if comment else "", content, corrected=comment is None or comment[2] != content)


def is_due(plan: TranscriptPlan, clip: str, layout: Layout, sound: str) -> bool:
    """Whether a clip is to be transcribed: it never was, or other sound was, or by another recogniser.

    Args:
        sound: content digest of the clip's sound.

    Raises:
        ValueError: as ``made``.
    """
    there = made(layout.transcript(clip))
    return there is None or not (there.corrected or there.key == clip_key(plan, sound))


def clip_key(plan: TranscriptPlan, sound: str) -> str:
    return digest({"transcripts": plan.key, "sound": sound})


def document(plan: TranscriptPlan, sound: str, words: Words, path: Path) -> str:
    """What is written to ``path``: the words, and the comment that ``made`` finds again.

    Args:
        sound: content digest of the clip's sound.
    """
    vtt = as_vtt(words)
    body = vtt.removeprefix("WEBVTT")
    by = "made by 'abaw transcribe'" + (" with RANDOM weights" if plan.random else "")
    asking = "correct words and times as you like, a corrected file is kept"
    read = words_digest(parse_cues(vtt, path))  # to the millisecond
    comment = f"{by}; {asking}\nkey: {clip_key(plan, sound)}\nwords: {read}\ntext: {digest(body)}"
    return f"WEBVTT\n\nNOTE\n{comment}{body}"


def corrections(layout: Layout) -> str:
    """Sign of the transcripts that were corrected by hand, seen while Snakemake reads the rules."""
    found = []
    for path in sorted(layout.transcripts.glob("[!.]*.vtt")):
        try:
            there = made(path)
            found += [[path.name, there.content]] if there and there.corrected else []
        except ValueError as error:
            found.append([path.name, str(error)])
    return digest(found) if found else ""
