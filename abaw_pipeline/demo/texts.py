"""Annotation files and sample submissions of tasks with a label per frame, as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abaw_pipeline.demo.cast import Recording
from abaw_pipeline.tasks import Task
from abaw_pipeline.tracks import Track


def label_text(task: Task, values: np.ndarray) -> str:
    """An annotation file; line ``i`` after the header belongs to frame ``i``.

    Args:
        values: ``(rows, task.width)``.
    """
    return _text([task.header, *(",".join(map(label_number, row)) for row in values)])


def label_number(value: float) -> str:
    """Integers plainly, else four decimals."""
    return str(int(value)) if value == int(value) else f"{value:.4f}"


def sample_text(track: Track, rows: Sequence[tuple[str, int]], commas: bool = False) -> str:
    """A sample submission of dummy values.

    Args:
        rows: test clips in the organisers' order, with the number of rows that a submission must hold.
        commas: the rows of every other clip end in a comma, as some of the organisers' files do.
    """
    dummy = ",".join(["0"] * track.width)
    lines = [track.header]
    for index, (clip, count) in enumerate(rows):
        end = "," if commas and index % 2 else ""
        lines += [f"{clip}/{number:05d}.jpg,{dummy}{end}" for number in range(1, count + 1)]
    return _text(lines)


def sample_rows(recordings: Sequence[Recording], seed: int) -> list[tuple[str, int]]:
    """Rows per test clip, the clips in an order of their own as in the organisers' files."""
    rows = [
        (person.clip, recording.frames + person.extra_rows)
        for recording in recordings
        for person in recording.people
        if recording.split == "test" and person.clip is not None
    ]
    order = np.random.default_rng(np.random.SeedSequence([seed, 20_000])).permutation(len(rows))
    return [rows[i] for i in order]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
