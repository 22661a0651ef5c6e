"""Where Aff-Wild2 keeps things and how it writes them: annotations, test lists, sample submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.demo.cast import Recording, plan
from abaw_pipeline.demo.performance import perform
from abaw_pipeline.demo.shape import Shape
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.types import Split

_SET_FOLDERS = {"train": "Train_Set", "val": "Validation_Set"}


def crop_path(root: Path, clip: str, number: int) -> Path:
    """The official crop of frame ``number``, counted from 1."""
    return root / "cropped_aligned" / clip / f"{number:05d}.jpg"


def label_path(root: Path, split: Split, task: Task, clip: str) -> Path:
    """The annotation file of a clip; of a test clip, the hidden truth, which no annotation folder holds."""
    folder = root / "truth" / task.name if split == "test" else root / task.folders[0] / _SET_FOLDERS[split]
    return folder / f"{clip}.txt"


def write_labels(root: Path, split: Split, clip: str, labels: Mapping[str, np.ndarray]) -> None:
    """Write one file per task; line ``i`` after the header belongs to frame ``i``.

    Args:
        labels: task name to ``(rows, width)``.
    """
    for name, values in labels.items():
        path = label_path(root, split, TASKS[name], clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [TASKS[name].header, *(",".join(map(written, row)) for row in values)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def written(value: float) -> str:
    """A label: integers plainly, else four decimals."""
    return str(int(value)) if value == int(value) else f"{value:.4f}"


def write_samples(root: Path, rows: Sequence[tuple[str, int]]) -> None:
    """Write the test lists and the sample submissions.

    The sample's values are dummies. In the expression file the rows of every other clip end in a comma, as some
    of the organisers' files do.

    Args:
        rows: test clips in the organisers' order, with the number of rows that a submission must hold.
    """
    for task in (task for task in TASKS.values() if task.folders):
        names = root / "names_of_videos_in_each_test_set" / f"{task.name}_test_set_release.txt"
        names.parent.mkdir(parents=True, exist_ok=True)
        names.write_text("".join(f"{clip}\n" for clip, _ in rows), encoding="utf-8")
        dummy = ",".join(["0"] * task.width)
        lines = [TRACKS[task.name].header]
        for index, (clip, count) in enumerate(rows):
            end = "," if task.name == "expr" and index % 2 else ""
            lines += [f"{clip}/{number:05d}.jpg,{dummy}{end}" for number in range(1, count + 1)]
        sample = root / "sample_submission" / f"{task.name}.txt"
        sample.parent.mkdir(parents=True, exist_ok=True)
        sample.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _video(root: Path, recording: Recording) -> Path:
    return root / recording.batch / f"{recording.name}.mp4"


def _annotate(root: Path, recordings: Sequence[Recording], seed: int) -> None:
    for recording in recordings:
        for person, part in zip(recording.people, perform(recording, seed), strict=True):
            if person.clip is not None:
                write_labels(root, recording.split, person.clip, part.labels)
    write_samples(root, sample_rows(recordings, seed))


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


SHAPE = Shape(plan, _video, crop_path, _annotate)
