"""Labelled stills of people with expressions, in the folders and the list of RAF-DB, and in a list of their own.

Hard cases of ``labels.csv``: columns and classes under other names, a class that we do not have, a column of people and
one of splits, a picture that is not there, one that is listed twice, one that nobody could name, and for each person a
small grey PNG beside the colour pictures.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from abaw_pipeline.demo.cast import Person, Recording
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.shape import Seconds, Shape
from abaw_pipeline.tasks import TASKS

RATE = Fraction(4)
"""Stills of a person in a second of what they do: few enough that one hardly tells the next."""
NAMES = ("neutral", "angry", "disgusted", "afraid", "joy", "sad", "surprised", "something else")
"""What ``labels.csv`` calls the expressions, in our order."""
_RAF = (7, 6, 3, 2, 4, 5, 1)
"""What RAF-DB calls them; it has no other ones."""
_GREY = 48


def _plan(clips: int, seed: int, seconds: Seconds) -> list[Recording]:
    """A person a clip, a quarter of them for validation."""
    if not 2 <= clips <= 400:
        raise ValueError(f"--clips {clips}: the built-in stills need 2 to 400 people")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 10_000]))
    val = max(1, round(clips / 4))
    people = []
    for index in range(clips):
        split = "val" if index >= clips - val else "train"
        name = f"{'test' if split == 'val' else split}_{index + 1:03d}"  # RAF-DB's test pictures have labels
        length = rng.uniform(*seconds)
        people.append(Recording(index, name, split, RATE, length, "", "none", (Person(name),)))
    return people


def _no_video(root: Path, recording: Recording) -> None:
    return None


def _picture(root: Path, clip: str, number: int) -> Path:
    return root / "Image" / "aligned" / f"{clip}{number:03d}_aligned.jpg"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    raf: list[str] = []
    rows = [["file", "feeling", *TASKS["va"].columns, *TASKS["au"].columns, "subset", "person"]]
    for recording in recordings:
        labels = perform(recording, seed)[0].labels
        rows += _rows(root, recording, labels)
        for number, (expression,) in enumerate(labels["expr"], 1):
            if expression < len(_RAF):
                raf.append(f"{recording.name}{number:03d}.jpg {_RAF[int(expression)]}\n")
    rows[2][1] = ""  # nobody could name it
    rows += [["aligned/away.jpg", *rows[1][1:]], rows[1]]
    place = root / "EmoLabel" / "list_patition_label.txt"
    place.parent.mkdir(parents=True)
    place.write_text("".join(raf), encoding="utf-8")
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def _rows(root: Path, recording: Recording, labels: dict[str, np.ndarray]) -> Iterator[list[str]]:
    """One row a still, and one of the first still in small and grey."""
    for number in range(1, recording.frames + 1):
        expression, values, units = (labels[task][number - 1] for task in ("expr", "va", "au"))
        told = [NAMES[int(expression[0])], *(f"{value:.4f}" for value in values), *map(str, units)]
        picture = _picture(root, recording.name, number)
        yield [f"aligned/{picture.name}", *told, recording.split, recording.name]
        if number == 1:
            grey = root / "Image" / "grey" / f"{recording.name}.png"
            grey.parent.mkdir(exist_ok=True)
            small = cv2.resize(
                cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE), (_GREY, _GREY), interpolation=cv2.INTER_AREA
            )
            grey.write_bytes(cv2.imencode(".png", small)[1].tobytes())
            yield [f"grey/{grey.name}", *told, recording.split, recording.name]


SHAPE = Shape(_plan, _no_video, _picture, _annotate)
