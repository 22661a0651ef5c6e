"""Labels of several tasks on the frames of a clip, and on those of a side."""

from __future__ import annotations

import numpy as np
import pytest

from abaw_pipeline.training.aligned import align_labels
from abaw_pipeline.training.settings import ExtraRows
from tests.sides import aligned, settings, side, table

ROWS = np.arange(12, dtype=np.float32).reshape(6, 2) / 20
MISSING = np.full((1, 2), -5, np.float32)
UNITS = np.zeros((4, 12), np.float32)
CLASSES = np.arange(8, dtype=np.float32)[:, None]
INTENSITIES = np.linspace(0, 1, 7, dtype=np.float32)[None]


@pytest.mark.parametrize("frames", [4, 6, 9])
def test_label_row_belongs_to_its_frame_number(frames: int) -> None:
    rows = ROWS.copy()
    rows[2] = -5
    one = align_labels({"va": rows}, frames, ExtraRows(), "c")
    known = np.array([1, 1, 0, 1, 1, 1], bool)
    assert (one.frames, one.extra) == (frames, max(6 - frames, 0))
    assert one.rows.tolist() == [min(i, frames - 1) for i in range(max(6, frames))]
    marks, values = one.tasks["va"].marks, one.tasks["va"].values
    assert marks.tolist() == [[bool(here)] * 2 for here in [*known, *[0] * (frames - 6)]]
    assert (values[:6][known] == ROWS[known]).all()
    assert (values[~marks] == 0).all()


def test_extra_rows_policy() -> None:
    with pytest.raises(ValueError, match="clip9: 6 label rows for 2 frames, 4 too many"):
        align_labels({"va": ROWS}, 2, ExtraRows(tolerance=3), "clip9")
    kept = align_labels({"va": ROWS}, 2, ExtraRows(tolerance=3, policy="repeat_last"), "clip9")
    assert kept.rows.tolist() == [0, 1, 1, 1, 1, 1]


def test_files_of_different_lengths_share_one_clock() -> None:
    one = align_labels({"va": ROWS, "au": UNITS, "expr": CLASSES}, 5, ExtraRows(tolerance=3), "c")
    assert one.rows.tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert one.extra == 3, "of the longest file"
    for task, rows in (("va", 6), ("au", 4), ("expr", 8)):
        assert one.tasks[task].marks.all(axis=1).tolist() == [True] * rows + [False] * (8 - rows)
    assert one.tasks["expr"].values[:, 0].tolist() == list(range(8))


def test_the_longest_file_decides_whether_a_clip_fits() -> None:
    with pytest.raises(ValueError, match="c: 8 label rows for 5 frames, 3 too many"):
        align_labels({"va": ROWS, "expr": CLASSES}, 5, ExtraRows(tolerance=2), "c")


def test_units_count_one_by_one_and_other_labels_by_the_row() -> None:
    units = UNITS.copy()
    units[1, 3] = units[2, :] = -1
    half = ROWS.copy()
    half[1, 0] = -5
    one = align_labels({"va": half, "au": units}, 6, ExtraRows(), "c")
    expected = np.ones((4, 12), bool)
    expected[1, 3] = expected[2] = False
    assert (one.tasks["au"].marks[:4] == expected).all() and not one.tasks["au"].marks[4:].any()
    assert one.tasks["va"].marks[:, 1].tolist() == [True, False, True, True, True, True]
    assert one.tasks["au"].values.min() == one.tasks["va"].values.min() == 0


def test_a_label_of_a_clip_needs_no_frame() -> None:
    one = align_labels({"eri": INTENSITIES}, 5, ExtraRows(tolerance=0), "c")
    assert (one.frames, one.extra, len(one.rows)) == (5, 0, 5)
    assert one.tasks["eri"].values.shape == one.tasks["eri"].marks.shape == (1, 7)
    lacking = align_labels({"eri": np.where(INTENSITIES == 0, -1, INTENSITIES)}, 5, ExtraRows(), "c")
    assert not lacking.tasks["eri"].marks.any(), "a row of intensities counts whole or not at all"


def test_the_digest_tells_labels_and_marks_of_every_task() -> None:
    def digest_of(**labels: np.ndarray) -> str:
        return align_labels({"va": ROWS, "au": UNITS, **labels}, 6, ExtraRows(), "c").digest

    unknown, changed = UNITS.copy(), UNITS.copy()
    unknown[0, 0], changed[0, 0] = -1, 1
    found = [digest_of(), digest_of(au=unknown), digest_of(au=changed), digest_of(va=ROWS[:5]), digest_of(expr=CLASSES)]
    assert len(set(found)) == len(found)
    assert align_labels({"au": UNITS, "va": ROWS}, 6, ExtraRows(), "c").digest == found[0], "in any order"


# on a side


def test_a_clip_with_labels_of_one_task_lends_its_frames_to_the_others() -> None:
    clips = {
        "a": (aligned(3, va=ROWS[:2]), [table([0, 1, 2], [1, 1, 1])]),
        "b": (aligned(2, expr=CLASSES[:2]), [table([3, 4], [1, 1])]),
    }
    for training in (True, False):
        made = side(clips, settings("va", "expr"), training)
        assert {name: labels.rows.tolist() for name, labels in made.tasks.items()} == {
            "va": [0, 1, 2, 3, 4],
            "expr": [0, 1, 2, 3, 4],
        }
        assert made.tasks["va"].annotated.tolist() == [True, True, False, False, False]
        assert made.tasks["expr"].annotated.tolist() == [False, False, False, True, True]
        assert made.tasks["expr"].values[:, 0].tolist() == [0, 0, 0, 0, 1]


def test_extra_rows_are_frames_in_training_and_repeated_predictions_in_validation() -> None:
    clips = {
        "a": (aligned(2, va=ROWS[:4], expr=CLASSES[:3]), [table([5, 6], [1, 1])]),
        "b": (aligned(2, va=ROWS[:1]), [table([7, 8], [1, 1])]),
    }
    train, validation = (side(clips, settings("va", "expr"), training) for training in (True, False))
    assert train.clips.values[:, 0].tolist() == [5, 6, 6, 6, 7, 8]
    assert validation.clips.values[:, 0].tolist() == [5, 6, 7, 8]
    for name in ("va", "expr"):
        assert train.tasks[name].rows.tolist() == [0, 1, 2, 3, 4, 5]
        assert validation.tasks[name].rows.tolist() == [0, 1, 1, 1, 2, 3]
        assert (train.tasks[name].values == validation.tasks[name].values).all()
        assert (train.tasks[name].marks == validation.tasks[name].marks).all()
    assert train.tasks["expr"].annotated.tolist() == [True, True, True, False, False, False]


def test_clips_are_numbered_for_labels_of_clips() -> None:
    one, two, three = ([table([1] * count, [1] * count)] for count in (1, 2, 3))
    clips = {
        "a": (aligned(3, eri=INTENSITIES), three),
        "b": (aligned(1), one),
        "c": (aligned(2, eri=INTENSITIES / 2), two),
    }
    for training in (True, False):
        made = side(clips, settings("eri", gap="drop", unlabelled="drop"), training)
        assert made.clips.lengths == [3, 1, 2]
        labels = made.tasks["eri"]
        assert labels.rows.tolist() == [0, 1, 2]
        assert labels.annotated.tolist() == [True, False, True]
        assert labels.values[:, -1] == pytest.approx([1, 0, 0.5])
