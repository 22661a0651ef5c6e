"""Every track: what is written passes the check, is read back equal, and scores as the arrays it was made from."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from abaw_pipeline.datasets.samples import known_clip, read_sample_file
from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.submission.packing import has_files_per_video, zip_path
from abaw_pipeline.submission.truth import read_predictions
from abaw_pipeline.submission.write import provenance_path
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.tracks import TRACKS, Track
from tests.submissions import asked, ensemble, sample, write

CLIP = st.text(st.sampled_from("ab1-_ .é"), min_size=1, max_size=6).filter(lambda name: name.strip(" .") == name)
ID = st.integers(0, 99_999).map("{:05d}".format)
QUICK = hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def names_of(track: Track, clips: dict[str, int], data: st.DataObject) -> list[str]:
    """Rows of a sample in an order of its own; those of clips are spelt in one of three ways."""
    if track.level == "frame":
        rows = [f"{clip}/{number:05d}.jpg" for clip, count in clips.items() for number in range(1, count + 1)]
    else:
        spell = data.draw(st.sampled_from([str, "[{}]".format, lambda clip: clip.lstrip("0") or "0"]))
        rows = [spell(clip) for clip in clips]
    return data.draw(st.permutations(rows))


def expected(task: Task, predicted: np.ndarray, decimals: int) -> np.ndarray:
    """What stands in a file for predictions ``(n, columns)``, ``(n, width)``."""
    if task.kind == "class":
        return predicted.argmax(axis=1)[:, None]
    if task.kind == "labels":
        return predicted >= THRESHOLD
    low, high = (-1, 1) if task.kind == "values" else (0, 1)
    return np.round(np.clip(predicted.astype(np.float64), low, high), decimals)


@pytest.mark.parametrize("name", TRACKS)
@QUICK
@given(data=st.data())
def test_what_is_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    layout, track = Layout(tmp_path_factory.mktemp("property"), "demo"), TRACKS[name]
    ids = data.draw(st.sets(ID if track.level == "clip" else CLIP, min_size=1, max_size=4))
    clips = {clip: data.draw(st.integers(1, 6)) if track.level == "frame" else 1 for clip in sorted(ids)}
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    made = {
        task.name: {
            clip: rng.uniform(-1.5, 1.5, (n, len(task.columns))).astype(np.float32) for clip, n in clips.items()
        }
        for task in track.parts
    }
    for task, predictions in made.items():
        ensemble(layout, predictions, task, task if len(made) > 1 else "mean")
    wanted = sample(layout, names_of(track, clips, data), name)
    decimals, per_video = data.draw(st.integers(1, 9)), data.draw(st.booleans())
    path = write(layout, name, decimals=decimals, per_video=per_video)
    for sent in (path, zip_path(path)):
        assert lint(name, sent, wanted) == []
        found = read_predictions(sent, track)
        for task, predictions in made.items():
            for clip, values in predictions.items():
                known = known_clip(clip, found[task])
                right = expected(TASKS[task], values.astype(np.float32), decimals)
                np.testing.assert_array_equal(found[task][str(known)], right.astype(np.float32))
    assert [line.split(",")[0] for line in path.read_text().splitlines()[1:]] == [
        line.split(",")[0] for line in wanted.read_text().splitlines()[1:]
    ]


def test_a_joined_row_holds_the_values_of_three_ensembles(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    ensemble(layout, {"a": np.float32([[0.25, -0.5], [2, 0]])}, "va", "va")
    ensemble(layout, {"a": np.eye(8)[[3, 7]]}, "expr", "expr")
    ensemble(layout, {"a": np.tile([0.0, 1.0], (2, 6))}, "au", "au")
    sample(layout, ["a/00002.jpg", "a/00001.jpg"], "mtl")
    units = ",0,1" * 6
    lines = write(layout, "mtl", decimals=2).read_text().splitlines()
    assert lines[0] == "image,valence,arousal,expression,aus"
    assert lines[1:] == [f"a/00002.jpg,1.00,0.00,7{units}", f"a/00001.jpg,0.25,-0.50,3{units}"]
    provenance = json.loads(provenance_path(layout.submission("mean", "mtl")).read_text())
    assert {task: one["ensemble"] for task, one in provenance["ensembles"].items()} == dict(asked("mtl").ensembles)
    assert "(1 values were outside)" in provenance["written"]["va"] and "0.5" in provenance["written"]["au"]


def test_a_row_that_one_of_three_ensembles_lacks_is_refused_or_filled_in_its_part(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    both = {"a": np.zeros((1, 2)), "b": np.ones((1, 2))}
    ensemble(layout, both, "va", "va")
    ensemble(layout, {clip: np.eye(8)[[5]] for clip in both}, "expr", "expr")
    ensemble(layout, {"a": np.ones((1, 12))}, "au", "au")
    sample(layout, ["a/00001.jpg", "b/00001.jpg"], "mtl")
    with pytest.raises(ValueError, match=r"1 of 2 rows .*: b \(1 rows\)"):
        write(layout, "mtl")
    path = write(layout, "mtl", fill="zero", decimals=1)
    assert path.read_text().splitlines()[2] == "b/00001.jpg,1.0,1.0,5" + ",0" * 12
    assert json.loads(provenance_path(path).read_text())["filled"] == {"b": 1}


def test_rows_of_clips_keep_the_spelling_of_the_sample(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    ensemble(layout, {"00123": np.full((1, 6), 0.5), "12345": np.full((1, 6), 1.2)}, "emi")
    sample(layout, ["[12345]", "123"], "emi")
    path = write(layout, "emi", decimals=1)
    assert path.name == "emi.csv"
    assert path.read_text().splitlines() == [TRACKS["emi"].header, "[12345]" + ",1.0" * 6, "123" + ",0.5" * 6]


def test_an_id_without_its_zeros_is_matched_where_it_can_mean_one_clip() -> None:
    assert known_clip("7", {"00007", "00017"}) == "00007" and known_clip("00007", {"7"}) == "7"
    assert known_clip("7", {"007", "00007"}) is None and known_clip("x7", {"0x7"}) is None
    assert known_clip("0", {"00000"}) == "00000"


@pytest.mark.parametrize(("per_video", "inside"), [(False, ["va.txt"]), (True, ["va_per_video/a.txt"])])
def test_the_zip_holds_the_one_file_or_one_per_video(tmp_path: Path, per_video: bool, inside: list[str]) -> None:
    layout = Layout(tmp_path, "demo")
    ensemble(layout, {"a": np.array([[0.1, 0.2], [0.3, 0.4]])})
    sample(layout, ["a/00002.jpg", "a/00001.jpg"])
    path = write(layout, per_video=per_video, decimals=1)
    with zipfile.ZipFile(zip_path(path)) as archive:
        assert archive.namelist() == inside
        text = archive.read(inside[0]).decode()
    assert text == ("valence,arousal\n0.1,0.2\n0.3,0.4\n" if per_video else path.read_text())
    before = zip_path(path).read_bytes()
    zip_path(path).unlink()
    assert zip_path(write(layout, per_video=per_video, decimals=1)).read_bytes() == before


@pytest.mark.parametrize(
    ("names", "message"), [(["a/00002.jpg"], "does not ask for a/00001"), (["../a/00001.jpg"], "cannot name a file")]
)
def test_files_per_video_are_refused_where_lines_cannot_tell_the_frame(
    tmp_path: Path, names: list[str], message: str
) -> None:
    layout = Layout(tmp_path, "demo")
    ensemble(layout, {"a": np.zeros((2, 2)), "../a": np.zeros((1, 2))})
    sample(layout, names)
    with pytest.raises(ValueError, match=message):
        write(layout, per_video=True)
    assert read_predictions(write(layout), TRACKS["va"])["va"]


def test_which_tracks_have_files_per_video() -> None:
    assert [name for name, track in TRACKS.items() if has_files_per_video(track)] == ["va", "expr", "au", "ce"]


def test_samples_of_clips_are_read_by_id(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(f'\ufeff{TRACKS["eri"].header}\r\n[00012],0,0\r\n"7",\r\n00009\r\n\r\n')
    assert read_sample_file(path, TRACKS["eri"]) == [("00012", 1), ("7", 1), ("00009", 1)]
    path.write_text(f"{TRACKS['eri'].header}\n[],0\n")
    with pytest.raises(ValueError, match=r"line 2: '\[\]' names no clip"):
        read_sample_file(path, TRACKS["eri"])
