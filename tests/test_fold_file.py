"""Fold files: written, edited, brought back; what is wrong with one is said in one line."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.cli import folds as folds_verb
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.plan import recipe
from abaw_pipeline.training.splits import file
from abaw_pipeline.training.splits.file import folds_text, listed_folds, read_rows
from abaw_pipeline.training.splits.names import fold_names, folds_mark
from abaw_pipeline.types import Clip
from tests.fold_data import clips_of, experiment
from tests.toy_results import Toy

SPLITS = {"0012": "train", "x_left": "train", "x_right": "val", "video10_1": "train", "seen": "test"}
CLIPS = [*clips_of(SPLITS), Clip(id="other", recording="other", splits={"expr": "train"})]


def put(folder: Path, text: str | bytes) -> Path:
    path = folder / "folds.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path) -> dict[str, list[str]]:
    return listed_folds(path, CLIPS, SPLITS)


ids = st.text("a0é_-.,;'\"", min_size=1)


@settings(max_examples=50)
@given(st.dictionaries(ids, st.from_regex("[a-z0-9]{1,6}", fullmatch=True), min_size=2))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, fold_of: dict[str, str]) -> None:
    names = {*fold_of.values()}
    folds = {name: {clip for clip, fold in fold_of.items() if fold == name} for name in names}
    path = put(tmp_path_factory.mktemp("folds"), folds_text(folds))
    if len(names) == 1:
        with pytest.raises(ValueError, match="name two"):
            read_rows(path)
    else:
        assert {row.clip: row.fold for row in read_rows(path)} == fold_of


@pytest.mark.parametrize(
    "raw",
    [
        b"clip,fold\n0012,a\nx_left,b\nx_right,b\n",
        b"\xef\xbb\xbfclip,fold\r\n0012,a\r\nx_left,b\r\nx_right,b\r\n\r\n",
        b'fold,who, clip \na,me,"0012"\nb,, x_left \n\nb,,x_right\n',
        b"clip,fold\nother,a\n0012,a\nx_left,b\nx_right,b",
    ],
    ids=["plain", "byte order mark and CRLF", "columns of one's own", "a clip of another task"],
)
def test_what_editors_make_of_it_is_read(tmp_path: Path, raw: bytes) -> None:
    assert read(put(tmp_path, raw)) == {"a": ["0012"], "b": ["x_left", "x_right"]}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("clip,fold\n0012,a\nx_lefd,b\n", "line 3: 'x_lefd' is no usable clip of the data set; did you mean 'x_left'?"),
        ("clip,fold\n0012,a\n?,b\n", "line 3: '?' is no usable clip of the data set"),
        ("clip,fold\n0012,a\n\nx_left,b\n0012,a\n", "line 5: clip '0012' is already on line 2; keep one"),
        (
            "clip,fold\nx_left,a\n0012,b\nx_right,b\n",
            "line 4: 'x_right' is in b, but 'x_left' of the same recording is in a (line 2); put both in one",
        ),
        ("clip,fold\n0012,a\nseen,b\n", "line 3: 'seen' is a test clip, which no fold may hold; remove it"),
        ("", "line 1: no column 'clip'; expected the header 'clip,fold'"),
        ("\n\n", "line 1: no column 'clip'; expected the header 'clip,fold'"),
        ("clip;fold\n0012;a\n", "line 1: no column 'clip'; expected the header 'clip,fold'"),
        ("clip,part\n0012,a\n", "line 1: no column 'fold'; expected the header 'clip,fold'"),
        ("clip,fold\n", "line 2: no rows after the header"),
        ("clip,fold\n0012,a\nx_left\n", "line 3: fold '' of 'x_left' must be lower-case letters a to z and digits"),
        ("clip,fold\n0012,Fold-1\n", "line 2: fold 'Fold-1' of '0012' must be lower-case letters a to z and digits"),
        ("clip,fold\n,a\n", "line 2: no clip id"),
        ("clip,fold\n0012,a\nx_left,a\n", "line 2: every clip is in 'a'; a fold trains on the others, name two"),
        ('clip,fold\n0012,a\n"x_left,b\n', "line 3: unexpected end of data"),
        (b"clip,fold\n0012,a\n\xff,b\n", "line 3: not UTF-8 text (invalid start byte); save it as UTF-8"),
    ],
)
def test_errors_are_one_line_that_names_file_and_line(tmp_path: Path, raw: str | bytes, message: str) -> None:
    path = put(tmp_path, raw)
    with pytest.raises(ValueError) as error:
        read(path)
    assert str(error.value) == f"{path}: {message}"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv: no such fold file; .*'abaw folds' writes one"):
        fold_names(experiment({"name": "file", "path": str(tmp_path / "none.csv")}))


def test_it_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "clip,fold\na,f2\nb,f10\n")
    named = experiment({"name": "file", "path": str(path)})
    opened = []
    lines = file.text_lines
    monkeypatch.setattr(file, "text_lines", lambda path: [opened.append(path), *lines(path)][1:])
    assert [fold_names(named) for _ in range(3)] == [["f2", "f10"]] * 3 and len(opened) == 1
    put(tmp_path, "clip,fold\na,f2\nb,f11\n")
    assert fold_names(named) == ["f2", "f11"] and len(opened) == 2


def test_an_edit_is_noticed_and_a_move_is_not(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    text = "clip,fold\na,f1\nb,f2\n"
    here, there = (experiment({"name": "file", "path": str(put(tmp_path / at, text))}) for at in (".", "elsewhere"))
    mark = folds_mark(here)
    assert mark == folds_mark(there) and recipe(here, "f1", 0, "code") == recipe(there, "f1", 0, "code")
    os.utime(tmp_path / "folds.csv", ns=(1, 1))
    assert folds_mark(here) == mark
    put(tmp_path, "clip,fold,note\na,f1,mine\nb,f2,\n")
    assert folds_mark(here) == mark
    put(tmp_path, "clip,fold\na,f2\nb,f1\n")
    assert folds_mark(here) != mark
    assert folds_mark(experiment({"name": "kfold"})) == ""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    toy = Toy(tmp_path, {"t": "test"}, frames=5)
    for number, (clip, split) in enumerate(SPLITS.items()):
        toy.add(clip, split, 10 + number)
    toy.recordings["x_left"] = toy.recordings["x_right"] = "x"
    toy.write()
    return tmp_path


def folds(results: Path, *words: str, **scheme: Any) -> Result:
    """``abaw folds``."""
    settings = experiment(scheme, dataset="toy", select={"name": "last"})
    config = SimpleNamespace(experiments={"e": settings})
    run = SimpleNamespace(file=Path("config.yaml"), config=config, layout=lambda name: Layout(results, name))
    return CliRunner().invoke(folds_verb.command, words, obj=run)


def test_the_command_shows_the_file_and_tells_what_each_fold_holds(toy: Path) -> None:
    done = folds(toy, "e", name="kfold", k=2)
    assert done.stdout == "clip,fold\nx_left,fold1\nx_right,fold1\n0012,fold2\nvideo10_1,fold2\n"
    table = [line.split() for line in done.stderr.splitlines()[1:]]
    assert table == [["fold1", "1", "2", "23"], ["fold2", "2", "2", "23"]]


@pytest.mark.parametrize(
    "scheme", [{"name": "kfold", "k": 3}, {"name": "kfold", "k": 2, "over": "train"}, {"name": "parts+val", "k": 3}]
)
def test_what_the_command_writes_gives_the_same_folds(toy: Path, scheme: dict[str, Any]) -> None:
    path = toy / "made" / "folds.csv"
    done = folds(toy, "e", "--output", str(path), **scheme)
    assert done.stdout == f"{path}\n" and [entry.name for entry in path.parent.iterdir()] == ["folds.csv"]
    shown, again = folds(toy, "e", **scheme), folds(toy, "e", name="file", path=str(path))
    assert path.read_text() == shown.stdout == again.stdout
    tables = [one.stderr.splitlines()[: 1 + scheme["k"]] for one in (done, shown, again)]
    assert tables[0] == tables[1] == tables[2]


def test_the_command_tells_which_training_clips_are_held_out_with_validation(toy: Path) -> None:
    told = folds(toy, "e", name="parts+val", k=3).stderr.splitlines()
    assert told[-1] == "x_left: a training clip held out in fold3, where the validation clips of its recording are"


@pytest.mark.parametrize("name", ["official", "mix"])
def test_one_fold_is_no_file(toy: Path, name: str) -> None:
    done = folds(toy, "e", name=name)
    assert isinstance(done.exception, ValueError) and not done.stdout
    assert str(done.exception).startswith(
        f"config.yaml: experiments.e.folds: '{name}' is one fold, which a file cannot"
    )


def test_an_unknown_experiment_is_named(toy: Path) -> None:
    assert "config.yaml: no experiment 'f'; known: e" in str(folds(toy, "f", name="kfold").exception)
