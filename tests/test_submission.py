"""Submission files: rows and order of the sample, values of the ensemble, refusal where rows lack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.submission.rows import LACKING, OWN, PAST_THE_END, collect, fill
from abaw_pipeline.submission.settings import SubmissionSettings
from abaw_pipeline.submission.write import provenance_path, write_submission
from abaw_pipeline.tracks import TRACKS
from tests.submissions import asked, ensemble, sample, write

HEADER = "image_location,valence,arousal"


def ramp(rows: int, start: float = 0.0) -> np.ndarray:
    """Valence tells the frame, arousal the clip."""
    return np.stack([np.arange(rows) / 1000, np.full(rows, start)], axis=1)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Clip ``a/b`` has 3 frames, ``c`` has 2; the sample asks for them mixed and not from the first frame on."""
    made = Layout(tmp_path, "demo")
    ensemble(made, {"a/b": ramp(3, 0.1), "c": ramp(2, 0.2)})
    sample(made, ["c/00002.jpg", "a/b/00001.jpg", "a/b/00003.jpg", "c/00001.jpg"])
    return made


def written(layout: Layout, task: str = "va", **settings: object) -> list[str]:
    return write(layout, task, **settings).read_text().splitlines()


def test_rows_and_order_come_from_the_sample(layout: Layout) -> None:
    assert written(layout, decimals=4) == [
        HEADER,
        "c/00002.jpg,0.0010,0.2000",
        "a/b/00001.jpg,0.0000,0.1000",
        "a/b/00003.jpg,0.0020,0.1000",
        "c/00001.jpg,0.0000,0.2000",
    ]


def test_values_are_clipped_to_the_range(layout: Layout) -> None:
    ensemble(layout, {"a/b": np.array([[1.2, -1.2], [0, 0], [-1e-9, 1]]), "c": ramp(2)})
    assert written(layout, decimals=2)[2:4] == ["a/b/00001.jpg,1.00,-1.00", "a/b/00003.jpg,0.00,1.00"]


def test_rows_just_past_the_end_take_the_last_frame_and_are_noted(layout: Layout) -> None:
    sample(layout, [f"c/{n:05d}.jpg" for n in range(1, 8)])
    assert written(layout, decimals=3)[3:] == [f"c/{n:05d}.jpg,0.001,0.200" for n in range(3, 8)]
    path = layout.submission("mean", "va")
    assert json.loads(provenance_path(path).read_text())["took_the_last_frame"] == {"c": 5}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["c/00001.jpg", "c/00008.jpg", "c/00009.jpg"], r"2 of 3 rows .* no prediction: c \(2 rows\)"),
        (["c/00001.jpg", "gone/00001.jpg"], r"1 of 2 rows .* gone \(1 rows\)"),
    ],
)
def test_lacking_rows_are_refused(layout: Layout, names: list[str], message: str) -> None:
    sample(layout, names)
    with pytest.raises(ValueError, match=message):
        written(layout)
    assert not layout.submission("mean", "va").exists() and not list(layout.home.rglob(".tmp-*"))


def test_a_setting_says_how_lacking_rows_are_filled(layout: Layout) -> None:
    names = ["c/00001.jpg", "gone/00001.jpg", "c/00002.jpg", "gone/00002.jpg"]
    sample(layout, names)
    assert written(layout, fill="zero", decimals=4)[2::2] == [f"gone/0000{n}.jpg,0.0000,0.0000" for n in (1, 2)]
    assert written(layout, fill="mean", decimals=4)[2::2] == [f"gone/0000{n}.jpg,0.0005,0.2000" for n in (1, 2)]
    provenance = json.loads(provenance_path(layout.submission("mean", "va")).read_text())
    assert provenance["filled"] == {"gone": 2} and provenance["fill"] == "mean" and provenance["rows"] == 4
    assert provenance["random_features"] == ["densenet"] and len(provenance["key"]) == 64
    assert provenance["models"] == {"gru/fold1-0": "key of the model"}
    sample(layout, ["gone/00001.jpg"])
    with pytest.raises(ValueError, match="nothing to average"):
        written(layout, fill="mean")


def test_a_clip_that_the_manifest_no_longer_lists_is_lacking(layout: Layout) -> None:
    manifest = Manifest.read(layout.ensemble_manifest("mean"), "abaw ensemble")
    del manifest.clips["c"]
    manifest.write(layout.ensemble_manifest("mean"))
    with pytest.raises(ValueError, match=r"c \(2 rows\)"):
        written(layout)


def test_predictions_of_other_settings_are_refused(layout: Layout) -> None:
    ArrayStore(layout.ensemble("mean"), "").write_arrays("c", {"va": ramp(2)}, "another key", {})
    with pytest.raises(ValueError, match="abaw ensemble mean --dataset demo"):
        written(layout)


def test_missing_inputs_name_the_command(layout: Layout) -> None:
    with pytest.raises(ValueError, match=r"other\.json: not there yet; make it with 'abaw ensemble other"):
        write_submission(layout, asked(name="other"), SubmissionSettings())
    layout.sample("va").unlink()
    with pytest.raises(ValueError, match=r"set datasets\.demo\.samples\.va"):
        written(layout)


def test_equal_inputs_are_not_written_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(layout)
    with monkeypatch.context() as patched:
        patched.setattr("abaw_pipeline.submission.write._write", lambda *_: pytest.fail("written again"))
        assert written(layout) == before
    path = layout.submission("mean", "va")
    path.write_text("edited by hand")
    assert written(layout) == before
    ensemble(layout, {"a/b": ramp(3, 0.7), "c": ramp(2, 0.2)})
    assert "a/b/00001.jpg,0.000000,0.700000" in written(layout)


def test_a_file_the_linter_refuses_is_not_written(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abaw_pipeline.submission.write.row_texts", lambda _, values, __: ["nan,0"] * len(values["va"]))
    with pytest.raises(ValueError, match="not written, line 2 would be wrong: 'nan' is not finite"):
        written(layout)
    assert not layout.submission("mean", "va").exists()


def expressions(*most: tuple[int, float]) -> np.ndarray:
    """Probabilities of eight classes; of each row the class and what it gets, the rest is shared evenly."""
    rows = np.stack([np.full(8, (1 - share) / 7) for _, share in most])
    rows[np.arange(len(most)), [number for number, _ in most]] = [share for _, share in most]
    return rows


def test_of_classes_the_most_probable_one_is_written(layout: Layout) -> None:
    ensemble(layout, {"a": expressions((3, 0.9), (0, 0.3), (7, 0.2)), "b": np.full((1, 8), 1 / 8)}, "expr")
    wanted = sample(layout, ["b/00001.jpg", "a/00003.jpg", "a/00001.jpg", "a/00002.jpg", "a/00005.jpg"], "expr")
    lines = written(layout, "expr")
    assert lines[0] == TRACKS["expr"].header
    assert lines[1:] == ["b/00001.jpg,0", "a/00003.jpg,7", "a/00001.jpg,3", "a/00002.jpg,0", "a/00005.jpg,7"]
    assert lint("expr", layout.submission("mean", "expr"), wanted) == []


def test_units_are_present_from_a_probability_of_one_half_on(layout: Layout) -> None:
    probabilities = np.tile([0.0, 0.4999, 0.5, 1.0], (2, 3))
    ensemble(layout, {"a": probabilities}, "au")
    wanted = sample(layout, ["a/00002.jpg"], "au")
    assert written(layout, "au") == [TRACKS["au"].header, "a/00002.jpg,0,0,1,1,0,0,1,1,0,0,1,1"]
    assert lint("au", layout.submission("mean", "au"), wanted) == []


def test_lacking_rows_of_classes_and_units_take_what_the_mean_probability_says(layout: Layout) -> None:
    names = ["a/00001.jpg", "gone/00001.jpg", "a/00002.jpg", "a/00003.jpg"]
    ensemble(layout, {"a": expressions((2, 0.4), (2, 0.4), (5, 0.99))}, "expr")
    sample(layout, names, "expr")
    # two of three rows say class 2, but not as surely as the third says class 5
    assert [line.split(",")[1] for line in written(layout, "expr", fill="mean")[1:]] == ["2", "5", "2", "5"]
    assert [line.split(",")[1] for line in written(layout, "expr", fill="zero")[1:]] == ["2", "0", "2", "5"]
    units = np.zeros((3, 12))
    units[:, 0], units[0, 1] = [0.4, 0.4, 0.9], 1.0
    ensemble(layout, {"a": units}, "au")
    sample(layout, names, "au")
    assert written(layout, "au", fill="mean")[2] == "gone/00001.jpg,1" + ",0" * 11
    assert written(layout, "au", fill="zero")[2] == "gone/00001.jpg" + ",0" * 12
    with pytest.raises(ValueError, match=r"gone \(1 rows\)"):
        written(layout, "au")


def test_every_row_is_taken_by_frame_number() -> None:
    wanted = [("a", 3), ("b", 1), ("a", 1), ("a", 9), ("a", 4), ("empty", 1)]
    predictions = {"a": ramp(3), "empty": np.zeros((0, 2))}
    rows = collect(wanted, 2, predictions.get)
    assert rows.state.tolist() == [OWN, LACKING, OWN, LACKING, PAST_THE_END, LACKING]
    np.testing.assert_array_equal(rows.values[[0, 2, 4], 0], np.float64([0.002, 0.0, 0.002]))
    assert np.isnan(rows.values[[1, 3, 5]]).all() and np.isfinite(fill(rows, "zero")).all()
