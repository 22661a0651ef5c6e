"""What the made-up data sets of Hume have in common: numbered clips of one mood each, and the intensities of moods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo.cast import RATES, Person, Recording, Sound, split_sizes
from abaw_pipeline.demo.shape import Seconds
from abaw_pipeline.demo.texts import label_number
from abaw_pipeline.tracks import Track
from abaw_pipeline.types import Split

_REACH = 0.5
"""Distance in the plane of valence and arousal at which an emotion is felt at 0.6 (one standard deviation)."""

Centres = Mapping[str, tuple[float, float]]
"""Valence and arousal at which each emotion is felt at 1."""


def draw_cast(clips: int, seed: int, seconds: Seconds, seen: str, heard: str) -> list[Recording]:
    """Recordings of one person each; their names are ids of five digits, of every other one zeros come first.

    The first training and the first test clip are sound alone, the second training clip is silent.

    Args:
        seconds: of which recordings last half: one label stands for the whole of each.
        seen, heard: folders of recordings and of sound alone (``Recording.batch``).
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40_000]))
    numbers = rng.permutation(np.arange(1, 10_000)), rng.permutation(np.arange(10_000, 100_000))
    splits = [(split, turn) for split, size in split_sizes(clips).items() for turn in range(size)]
    recordings = []
    for index, (split, turn) in enumerate(splits):
        name, alone = f"{numbers[index % 2][index]:05d}", split != "val" and turn == 0
        sound: Sound = "none" if (split, turn) == ("train", 1) else "equal"
        length, mood = rng.uniform(*seconds) / 2, rng.uniform(-0.85, 0.85, 2).tolist()
        person = Person(name, leaves=turn % 3 == 2)
        folder, rate = heard if alone else seen, RATES[index % 4]
        recordings.append(Recording(index, name, split, rate, length, folder, sound, (person,), (mood[0], mood[1])))
    return recordings


def recording_path(root: Path, recording: Recording, heard: str) -> Path:
    return root / recording.batch / f"{recording.name}{'.wav' if recording.batch == heard else '.mp4'}"


def felt(recording: Recording, centres: Centres) -> np.ndarray:
    """Intensity of each emotion in [0, 1]: a Gaussian of the distance of the mood to its centre."""
    away = np.array(list(centres.values())) - recording.mood
    return np.exp(-(away**2).sum(axis=1) / (2 * _REACH**2))


def of_split(recordings: Iterable[Recording], split: Split) -> Iterator[Recording]:
    return (recording for recording in recordings if recording.split == split)


def cells(values: Iterable[float]) -> str:
    return ",".join(map(label_number, values))


def write_lines(path: Path, lines: Iterable[str], end: str = "\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}{end}" for line in lines), encoding="utf-8", newline="")


def write_test(root: Path, track: Track, recordings: Sequence[Recording], centres: Centres, spelt: str) -> None:
    """The sample submission, and the hidden truth in the same format.

    Args:
        spelt: how ids stand in them (``[{}]``).
    """
    tests = list(of_split(recordings, "test"))[::-1]
    for folder, known in (("sample_submission", False), ("truth", True)):
        values = [felt(recording, centres) if known else np.zeros(track.width) for recording in tests]
        rows = [f"{spelt.format(one.name)},{cells(row)}" for one, row in zip(tests, values, strict=True)]
        write_lines(root / folder / f"{track.name}{track.suffix}", [track.header, *rows])
