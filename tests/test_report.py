"""The report page on small made results, and the files of single clips."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.cli import main
from abaw_pipeline.datasets.index import build_index
from abaw_pipeline.datasets.settings import Affwild2Settings
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.report.build import build_report
from abaw_pipeline.report.compare import typical
from abaw_pipeline.report.curves import write_curves
from abaw_pipeline.report.truth import score
from abaw_pipeline.runtime.files import write_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from tests.report_results import ROWS, affwild2, curve, data_set, experiment, feature, fused, label_file, media, trained


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """A finished run with its report."""
    base = tmp_path_factory.mktemp("report")
    labels = data_set(base / "data")["va"]
    label_file(base / "data/VA_Estimation_Challenge/Train_Set/broken<b>.txt", curve(3) * 9)
    datasets = {"demo": affwild2(base / "data")}
    layout = Layout(base / "results", "demo")
    build_index("demo", datasets["demo"], layout)
    for seed, mean in ((0, 0.4), (1, 0.6)):
        trained(layout, "a", "official", seed, experiment(), {"va": mean})
    feature(layout, "densenet", random=True)
    feature(layout, "egemaps", random=False)
    predicted = fused(layout, labels)
    arguments = (
        base / "results",
        datasets,
        {"a": experiment(), "untrained": experiment()},
        {"mean": EnsembleSettings(members=["a"])},
    )
    page = build_report(*arguments)
    return {
        "page": page,
        "arguments": arguments,
        "labels": labels,
        "predicted": predicted,
        "layout": layout,
        "scores": json.loads(page.with_name("scores.json").read_text()),
        "html": page.read_text(),
    }


def test_the_page_needs_no_other_file(made: dict) -> None:
    outside = re.findall(
        r"""(?:src|href)\s*=\s*["'](?!data:)[^"']*|url\((?!["']?data:)[^)]*\)|@import|<script|<link""", made["html"]
    )
    assert not outside and "http" not in made["html"]
    # two clips of each kind at most three, and one picture of training curves per trained experiment
    assert made["html"].count("data:image/svg+xml;base64,") == 1 + 1 + 2


def test_random_weights_and_made_up_data_are_said_first(made: dict) -> None:
    text = made["html"]
    banner = text.index("Random weights:")
    assert banner < text.index("Made-up data:") < text.index("<h2>Ensembles</h2>")
    assert made["scores"]["random_features"] == ["densenet"] and made["scores"]["made_up"] == ["demo"]


def test_no_banner_without_cause(made: dict, tmp_path: Path) -> None:
    _, datasets, experiments, ensembles = made["arguments"]
    layout = Layout(tmp_path, "demo")
    raw = datasets["demo"].model_dump(exclude={"generate"})
    honest = {"demo": Affwild2Settings(**raw)}
    build_index("demo", honest["demo"], layout)
    text = build_report(tmp_path, honest, experiments, ensembles).read_text()
    assert "Random weights:" not in text and "Made-up data:" not in text and "No ensemble has been fused yet" in text


@pytest.mark.parametrize(("mode", "said"), [("paper", True), ("single", False)])
def test_scores_that_leak_labels_are_said_first(made: dict, tmp_path: Path, mode: str, said: bool) -> None:
    _, datasets, experiments, ensembles = made["arguments"]
    layout = Layout(tmp_path, "demo")
    build_index("demo", datasets["demo"], layout)
    feature(layout, "egemaps", random=False, extractor="stack", settings={"mode": mode})
    text = build_report(tmp_path, datasets, experiments, ensembles).read_text()
    assert ("Leaking labels:</strong> egemaps" in text.split("<h2>Ensembles</h2>")[0]) is said
    assert ("what reads it (a, untrained)" in text) is said


def test_scores_of_every_fold_and_seed_and_their_mean(made: dict) -> None:
    by_name = {row["experiment"]: row for row in made["scores"]["experiments"]}
    assert [(row["seed"], row["metrics"]["va"]["mean"]) for row in made["scores"]["models"]] == [(0, 0.4), (1, 0.6)]
    assert by_name["a"]["metrics"]["va"] == pytest.approx({"mean": 0.5, "valence": 0.6, "arousal": 0.4})
    assert by_name["a"]["deviation"]["va"] == pytest.approx(0.1)
    assert (by_name["a"]["models"], by_name["a"]["of"]) == (2, 2)
    assert by_name["untrained"]["metrics"] == {} and by_name["untrained"]["models"] == 0
    assert "0.400" in made["html"] and "0.500 ± 0.100" in made["html"]


def test_hidden_truth_is_scored_as_a_submission_would_be(made: dict) -> None:
    """All frames of all test clips together; the two frames past the end take the last prediction."""
    labels, predicted = made["labels"], made["predicted"]
    longer = np.concatenate([predicted["tested"], predicted["tested"][-1:].repeat(2, axis=0)])
    wanted = np.round(np.concatenate([labels["also_tested"], labels["tested"]]), 4)
    expected, columns = mean_ccc(wanted, np.concatenate([predicted["also_tested"], longer]))
    found = made["scores"]["ensembles"][0]["truth"]
    assert found["mean"] == pytest.approx(expected, abs=1e-6) and found["valence"] == pytest.approx(
        columns[0], abs=1e-6
    )
    assert (found["clips"], found["of"], found["frames"]) == (2, 2, 70)


def test_what_was_skipped_is_told_with_stage_and_reason(made: dict) -> None:
    rows = {(row["clip"], row["stage"]): row["reason"] for row in made["scores"]["skipped"]}
    assert "line 2" in rows["broken<b>", "index"]
    assert rows["train", "extract densenet"] == "no face & no <sound>"
    assert "broken&lt;b&gt;" in made["html"] and "no face &amp; no &lt;sound&gt;" in made["html"]
    assert "<sound>" not in made["html"]


def test_equal_results_give_equal_bytes(made: dict) -> None:
    before = made["page"].read_bytes()
    assert build_report(*made["arguments"]).read_bytes() == before


def test_missing_truth_names_the_setting(made: dict) -> None:
    results, datasets, experiments, ensembles = made["arguments"]
    other = {"demo": datasets["demo"].model_copy(update={"truth": "secret"})}
    with pytest.raises(ValueError, match=r"datasets\.demo\.truth: no folder .*secret"):
        build_report(results, other, experiments, ensembles)


def test_typical_clips_are_ordered_by_their_score() -> None:
    truth = {name: curve(40) for name in "abcde"}
    noise = dict(zip("abcde", (0.9, 0.0, 0.2, 0.4, 0.6), strict=True))
    predicted = {name: truth[name] * (1 - noise[name]) for name in truth}
    found = typical({**truth, "unseen": curve(9), "unannotated": np.full((9, 2), -5.0)}, predicted.get, "va")
    assert [(one.rank, one.clip) for one in found] == [("best", "b"), ("median", "d"), ("worst", "a")]
    assert [one.rank for one in typical({"a": truth["a"]}, predicted.get, "va")] == ["the only one"]
    assert typical({}, predicted.get, "va") == []


def test_a_score_counts_annotated_frames_only() -> None:
    truth = curve(30)
    truth[5:] = -5
    found = score({"a": truth, "blank": np.full((4, 2), -5.0), "unseen": curve(3)}, {"a": truth}.get, "va")
    assert found is not None and found["mean"] == pytest.approx(1) and found["frames"] == 5
    assert (found["clips"], found["of"]) == (1, 2)
    assert score({"unseen": curve(3)}, {}.get, "va") is None


def test_curves_of_every_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path, "mine")
    out = layout.curves("mean")
    predicted = fused(layout, {clip: curve(rows) for clip, rows in ROWS.items()})
    for clip, values in predicted.items():
        media(layout, clip, len(values))
    assert set(write_curves(layout, "mean", out).clips) == set(predicted)
    assert {path.name for path in out.iterdir()} == {"done.json"} | {
        f"{c}{s}" for c in predicted for s in (".csv", ".png")
    }
    with (out / "tested.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["face_valid"] for row in rows[:4]] == ["0", "0", "1", "1"]
    assert [row["audio_valid"] for row in rows[:6]] == ["0", "0", "1", "1", "0", "0"]
    media(layout, "held_out", 49)
    with pytest.raises(ValueError, match="49 frames"):
        write_curves(layout, "mean", out)
    media(layout, "held_out", 50)
    monkeypatch.setattr("abaw_pipeline.report.curves.write_clip_csv", lambda *_: pytest.fail("written again"))
    write_curves(layout, "mean", out)
    manifest = Manifest.read(layout.ensemble_manifest("mean"), "")
    del manifest.clips["tested"]
    manifest.write(layout.ensemble_manifest("mean"))
    (out / "mine.png").write_bytes(b"a picture of the user's own")
    before = sorted(out.iterdir())
    write_curves(layout, "mean", out, prune=True)
    assert set(before) - set(out.iterdir()) == {out / "tested.csv", out / "tested.png"}


def test_the_verbs(made: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Index, curves, submit and report as they are typed."""
    _, datasets, _, _ = made["arguments"]
    root = Path(datasets["demo"].root)
    sample = "image_location,valence,arousal\n" + "".join(f"tested/{n:05d}.jpg,\n" for n in range(1, 41))
    (root / "sample.txt").write_text(sample)
    write_json(
        tmp_path / "config.yaml",
        {  # JSON is YAML
            "results": str(tmp_path / "results"),
            "datasets": {"demo": {"adapter": "affwild2", "root": str(root), "samples": {"va": "sample.txt"}}},
            "features": {"egemaps": {"extractor": "egemaps"}},
            "experiments": {"a": {"task": "va", "features": ["egemaps"], "encoder": {"name": "gru"}}},
            "ensembles": {"mean": {"members": ["a"]}},
        },
    )

    def abaw(*arguments: str) -> str:
        main(["--config", str(tmp_path / "config.yaml"), *arguments])
        return capsys.readouterr().out

    layout = Layout(tmp_path / "results", "demo")
    assert "4 clips, 1 skipped" in (shown := abaw("index", "demo")) and "skipped broken<b>: " in shown
    predicted = fused(layout, made["labels"])
    for clip, values in predicted.items():
        media(layout, clip, len(values))
    for seed in (0, 1):
        Manifest({"model": "key"}).write(layout.predictions_manifest("a", "official", seed))
    assert abaw("submit", "mean", "--dataset", "demo") == f"{layout.submission('mean', 'va')}\n"
    assert (
        abaw("lint", "va", str(layout.submission("mean", "va")), "--sample", str(root / "sample.txt"))
        == "ok: 40 rows\n"
    )
    assert "3 clips" in abaw("curves", "mean", "--dataset", "demo")
    page = Path(abaw("report").strip())
    assert "rows past the last frame that took its value: 2 (tested)" in " ".join(page.read_text().split())
    for verb in ("submit", "curves"):
        with pytest.raises(SystemExit):
            main(["--config", str(tmp_path / "config.yaml"), verb, "meen", "--dataset", "demo"])
        assert "no ensemble 'meen'; did you mean 'mean'?" in capsys.readouterr().err
