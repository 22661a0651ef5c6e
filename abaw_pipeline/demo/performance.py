"""What everybody in a recording does and feels, when they are away, and the labels that annotators would write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abaw_pipeline.demo.cast import SOUND_LENGTH, Person, Recording
from abaw_pipeline.demo.signals import Emotion, action_units, draw_arousal, draw_emotion, expressions
from abaw_pipeline.tasks import TASKS


@dataclass(frozen=True)
class Part:
    """One person's part: curves on the grid, presence per frame (bool), labels per task ``(rows, width)``."""

    emotion: Emotion
    present: np.ndarray
    labels: dict[str, np.ndarray]


def stream(seed: int, recording: Recording, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, independent of every other purpose and recording."""
    return np.random.default_rng(np.random.SeedSequence([seed, recording.index, *purpose]))


def perform(recording: Recording, seed: int) -> list[Part]:
    """The parts of everybody in a recording, left to right; they share one arousal curve, as they share the sound."""
    longest = recording.seconds * max(SOUND_LENGTH.values())
    pleased, awake = recording.mood
    arousal = draw_arousal(stream(seed, recording, 0), recording.seconds, longest, awake)
    parts = []
    for seat, person in enumerate(recording.people):
        emotion = draw_emotion(stream(seed, recording, 1, seat), arousal, recording.seconds, pleased)
        present = _present(stream(seed, recording, 2, seat), recording, person)
        labels = _labels(stream(seed, recording, 3, seat), recording, person, emotion)
        parts.append(Part(emotion, present, labels))
    return parts


def _present(rng: np.random.Generator, recording: Recording, person: Person) -> np.ndarray:
    present = np.ones(recording.frames, bool)
    if person.leaves:
        start = rng.uniform(0.25, 0.6)
        length = rng.uniform(0.1, 0.18)
        present[int(start * recording.frames) : int((start + length) * recording.frames) + 1] = False
    return present


def _labels(rng: np.random.Generator, recording: Recording, person: Person, emotion: Emotion) -> dict[str, np.ndarray]:
    rows = recording.frames + person.extra_rows
    felt = emotion.at(np.arange(rows) / float(recording.rate))
    found = {
        "va": np.stack([felt.valence, felt.arousal], axis=1),
        "expr": expressions(felt.valence, felt.arousal)[:, None],
        "au": action_units(felt.controls),
    }
    for task, values in found.items():
        values[_unannotated(rng, rows, person)] = TASKS[task].missing
    return found


def _unannotated(rng: np.random.Generator, rows: int, person: Person) -> np.ndarray:
    """Rows that nobody annotated: all, none, or one or two stretches of up to a tenth each."""
    if person.all_invalid:
        return np.ones(rows, bool)
    marked = np.zeros(rows, bool)
    for _ in range(int(rng.integers(1, 3)) if person.gaps else 0):
        start = int(rng.integers(rows))
        marked[start : start + max(2, int(rows * rng.uniform(0.03, 0.1)))] = True
    return marked
