"""``abaw features``: the table of all features, and one clip's values in words and as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import torch
import yaml

from abaw_pipeline.cli import main
from abaw_pipeline.config import Config
from abaw_pipeline.datasets.index import build_index, read_clips
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.media.build import build_media
from abaw_pipeline.report.heatmap import COLUMNS, _grid, heat_map
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.overview import of_settings, of_the_tool, progress
from abaw_pipeline.state.sources import DataNow
from abaw_pipeline.types import Clock, FrameTable
from tests.media_fixtures import scene, steady, tone, write_clip

FBANK = {"extractor": "fbank", "bins": 24}
HUB = {"source": "hub", "repo": "nobody/nothing", "file": "model.safetensors", "revision": "1"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings in one data set, one of them empty, a fourth in another; ``fbank`` of all of the first but b."""
    root = tmp_path_factory.mktemp("project")
    for name in ("one/a.mp4", "one/b.mp4", "one/c.mp4", "two/z.mp4"):
        (root / name).parent.mkdir(exist_ok=True)
        pictures = [scene(160, 120, (10 + i, 10, 100)) for i in range(10)]
        write_clip(root / name, steady(25, 0.4), pictures, tone(0.2, pitch=200 + 10 * ord(name[4])))
    (root / "one/c.mp4").write_bytes(b"")
    config = _config(root)
    layout = Layout(Path(config.results), "one")
    build_index("one", config.datasets["one"], layout)
    clips = read_clips(layout)
    media = build_media(clips, layout, config.media)
    media.write(layout.media_shard(0))
    made = extract(config.plan("sound"), [clip for clip in clips if clip.id != "b"], layout, media=media)
    made.write(layout.feature_manifest("sound"))
    return root


def _raw(root: Path, **more: Any) -> dict[str, Any]:
    data = {name: {"adapter": "recordings", "root": str(root / name)} for name in ("one", "two")}
    raw = {"results": str(root / "results"), "shards": 1, "device": "cpu", "datasets": data}
    return {**raw, "allow_random_weights": True, "features": {"sound": FBANK}, **more}


def _config(root: Path, **more: Any) -> Config:
    return check(_raw(root, **more), "config.yaml")


def _progress(config: Config, dataset: str = "one") -> tuple[int, int, int, int]:
    now = progress(DataNow(config, dataset), "sound")
    return now.done, now.stale, now.missing, now.left_out


def test_clips_are_done_stale_missing_or_left_out(project: Path) -> None:
    assert _progress(_config(project)) == (1, 0, 1, 1), "c is an empty recording"
    assert _progress(_config(project, features={"sound": {**FBANK, "bins": 25}})) == (0, 1, 1, 1)
    assert _progress(_config(project), "two") == (0, 0, 1, 0)
    store = Layout(project / "results", "one").feature_store("sound")
    size = progress(DataNow(_config(project), "one"), "sound").size
    assert size == sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) > 0


def test_every_state_of_weights_has_its_word(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "w.pth")
    there = {"source": "file", "path": str(tmp_path / "w.pth")}
    gone = {"source": "file", "path": str(tmp_path / "gone.pth"), "sha256": "0" * 64}
    features = {
        name: {"extractor": "densenet", "weights": weights}
        for name, weights in (("there", there), ("gone", gone), ("hub", HUB), ("drawn", {"source": "random"}))
    }
    known = of_settings(_config(tmp_path, features={**features, "sound": FBANK}))
    assert {one.name: one.weights for one in known} == {
        "there": "present",
        "gone": "missing",
        "hub": "missing",
        "drawn": "random",
        "sound": "none needed",
    }
    assert [(one.modality, one.dimension) for one in known] == [("visual", 342)] * 4 + [("audio", 24)]


def test_every_extractor_is_in_one_of_the_tables(project: Path) -> None:
    config = _config(project)
    used, others = of_settings(config), of_the_tool(config)
    assert {one.extractor for one in used} | {one.extractor for one in others} == set(EXTRACTORS)
    assert not {one.extractor for one in used} & {one.extractor for one in others}
    assert {one.weights for one in others} <= {"missing", "none needed", "?"}


def _run(project: Path, capsys: pytest.CaptureFixture[str], *words: str, **more: Any) -> list[str]:
    file = project / "config.yaml"
    file.write_text(yaml.safe_dump(_raw(project, **more), sort_keys=False))
    with pytest.raises(SystemExit) as stop:
        main(["--config", str(file), "features", *words])
        raise SystemExit(0)
    out, err = capsys.readouterr()
    assert (stop.value.code == 0) != bool(err), err
    return (out or err).splitlines()


def test_the_table_fits_a_terminal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features = {"sound": FBANK, "inception_vggface2": {"extractor": "densenet", "weights": HUB}}
    lines = _run(project, capsys, "--all", features=features)
    assert max(map(len, lines)) <= 100 and all(line == line.rstrip() for line in lines)
    heads = [line for line in lines if line and line[0] != " "]
    assert heads == ["one, 3 clips", "two, 1 clip", "not in the settings (as by default)"]
    assert " ".join(lines[1].split()) == "feature modality dim weights done stale missing left out size"
    sound, other = lines[2].split(), lines[3].split()
    assert sound[:9] == ["sound", "(fbank)", "audio", "24", "none", "needed", "1", "-", "1"]
    assert sound[9] == "1" and sound[-1][-1] == "B"
    assert other == ["inception_vggface2", "(densenet)", "visual", "342", "missing", "-", "-", "2", "1", "-"]
    assert any(line.split()[:2] == ["egemaps", "audio"] for line in lines)
    one = _run(project, capsys, "sound", "--dataset", "two")
    assert one[0] == "two, 1 clip" and len(one) == 3


def test_a_data_set_that_is_not_there_hides_no_feature(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    datasets = {"away": {"adapter": "recordings", "root": str(project / "away")}}
    lines = _run(project, capsys, datasets=datasets)
    assert lines[0].startswith("away: ") and "no folder" in lines[0] and lines[2].split()[:2] == ["sound", "(fbank)"]


def test_one_clip_in_words_and_as_a_picture(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = _run(project, capsys, "sound", "--clip", "a")
    told = {line[2:12].strip(): line[13:] for line in lines[1:]}
    table = np.load(_values(project, tmp_path))
    assert lines[0] == "sound of one/a"
    assert (
        told["shape"] == "10 frames x 24 values, float32"
        and told["valid"] == f"{len(table)} of 10 frames ({len(table)}0.0%)"
    )
    numbers = f"{table.min():.4g} to {table.max():.4g}, mean {table.mean():.4g}"
    assert told["range"].startswith(numbers) and f"deviation {table.std():.4g}" in told["range"]
    assert len(told["content"]) == len(told["key"]) == 64 and told["weights"] == "none needed"
    assert told["extractor"] == "fbank (bins 24)" and "torchaudio" in told["libraries"]
    assert told["state"] == "up to date" and told["picture"] == "sound-a.png"
    assert matplotlib.image.imread(tmp_path / "sound-a.png").shape[:2] == (650, 1430)
    stale = _run(project, capsys, "sound", "--clip", "a", features={"sound": {**FBANK, "bins": 25}})
    assert [line for line in stale if "stale: " in line and "abaw why sound" in line]
    _run(project, capsys, "sound", "--clip", "a", "--picture", str(tmp_path / "new" / "p.png"))
    assert (tmp_path / "new" / "p.png").is_file()


def _values(project: Path, folder: Path) -> Path:
    """The valid rows as they lie in the store, as float64."""
    from abaw_pipeline.features.store import FeatureStore

    table = FeatureStore(Layout(project / "results", "one").feature_store("sound")).read("a")
    np.save(folder / "rows.npy", table.values[table.valid].astype(np.float64))
    return folder / "rows.npy"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("soud",), "no feature 'soud'; did you mean 'sound'?"),
        (("sound", "--dataset", "tow"), "no data set 'tow'; did you mean 'two'?"),
        (("sound", "--clip", "q"), "no clip 'q' in one, two; there are a, b, c"),
        (("sound", "--clip", "z", "--dataset", "two"), "no clip 'z' in two; none is listed yet, 'abaw index' does"),
        (("sound", "--clip", "b"), "sound of one/b: not extracted yet; make it with 'abaw extract one sound'"),
        (("sound", "--clip", "c"), "sound of one/c: left out: "),
        (("--clip", "a"), "--clip shows one feature"),
        (("sound", "--picture", "x.png"), "--picture draws one clip: name it with --clip"),
    ],
)
def test_errors_are_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    (line,) = _run(project, capsys, *words)
    assert line.startswith("abaw: ") and message in line


def _table(frames: int, dimension: int, seed: int = 0) -> FrameTable:
    rng = np.random.default_rng(seed)
    return FrameTable(rng.standard_normal((frames, dimension)).astype(np.float32), np.ones(frames, bool))


def test_frames_stand_at_their_own_times() -> None:
    """The last frame begins at 0.9 s of 1.0 s: it takes a tenth of the picture, though it is a fifth of the frames."""
    table = FrameTable(np.arange(5, dtype=np.float32)[:, None] ** 2, np.array([True] * 4 + [False]))
    grid = _grid(table, Clock(np.array([0.0, 0.1, 0.2, 0.3, 0.9])))
    assert not grid.standardised and grid.values.shape == (1, 10)
    np.testing.assert_array_equal(grid.values[0], [0, 1, 4, 9, 9, 9, 9, 9, 9, np.nan])
    assert grid.absent.tolist() == [False] * 9 + [True]


def test_a_long_clip_is_drawn_by_means_and_loses_no_absent_frame() -> None:
    table = _table(5 * COLUMNS, 3)
    table.valid[4321] = False
    grid = _grid(table, Clock(np.arange(5 * COLUMNS) / 30))
    assert grid.values.shape == (3, COLUMNS) and np.flatnonzero(grid.absent).tolist() == [4321 // 5]
    np.testing.assert_allclose(grid.values[:, 7], table.values[35:40].mean(axis=0), rtol=1e-5)


def test_every_lone_absent_frame_is_seen() -> None:
    table = _table(9000, 3)
    table.valid[100::450] = False
    shown = matplotlib.image.imread(io.BytesIO(heat_map("x", table, Clock(np.arange(9000) / 30))), format="png")
    strip = _red(shown)[35:45].any(axis=0)[:1290]  # beside it stands the text
    assert (np.diff(strip.astype(int)) == 1).sum() == (~table.valid).sum() == 20


def _red(shown: np.ndarray) -> np.ndarray:
    return (shown[..., 0] > 0.75) & (shown[..., 1] < 0.3) & (shown[..., 2] < 0.3)


def test_one_outlier_flattens_nothing_and_stripes_are_standardised() -> None:
    table, clock = _table(400, 8), Clock(np.arange(400) / 25)
    table.values[5, 5] = 1e6
    assert max(map(abs, _grid(table, clock).limits)) < 5
    shifted = FrameTable(_table(400, 8).values * 0.01 + np.arange(8, dtype=np.float32) * 100, np.ones(400, bool))
    grid = _grid(shifted, clock)
    assert grid.standardised
    np.testing.assert_allclose(grid.values.mean(axis=1), 0, atol=1e-2)


@pytest.mark.parametrize(
    "table",
    [
        FrameTable(np.zeros((1, 1), np.float16), np.ones(1, bool)),
        FrameTable(np.zeros((7, 3), np.float16), np.zeros(7, bool)),
        FrameTable(np.full((7, 3), 2.5, np.float16), np.ones(7, bool)),
        FrameTable(_table(30, 2000).values.astype(np.float16), np.arange(30) != 3),
    ],
    ids=["one frame", "none valid", "constant", "many dimensions"],
)
def test_every_table_can_be_drawn(table: FrameTable) -> None:
    picture = heat_map("a title", table, Clock(np.arange(len(table.valid)) / 25))
    shown = matplotlib.image.imread(io.BytesIO(picture), format="png")
    assert _red(shown).any() == (~table.valid).any()
