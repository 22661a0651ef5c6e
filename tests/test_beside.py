"""Our scores beside the papers' own tables: the right figure in the right cell, and what it was made with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abaw_pipeline.datasets.index import build_index
from abaw_pipeline.datasets.settings import Affwild2Settings
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.presets import known_presets, reported
from abaw_pipeline.report.beside import Published, side_by_side
from abaw_pipeline.report.build import build_report
from abaw_pipeline.report.reported import check_reported, read_reported
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from benchmarks.preset_data import settings
from tests.report_results import affwild2, data_set, experiment, fused, trained

TABLE: dict[str, Any] = {
    "title": "Table 2",
    "metric": "CCC",
    "columns": ["valence", {"title": "both", "score": "mean"}, {"title": "test", "score": "arousal", "clips": "test"}],
    "rows": [
        {"name": "GRU", "of": "gru", "values": [0.39, -0.4785, None]},
        {"name": "five", "of": "five", "values": [0.5, None, 0.448]},
        {"name": "later", "of": "later", "clips": "test", "values": [None, 0.1, 0.2]},
        {"name": "baseline", "values": [0.31, 0.24, 0.2]},
    ],
}
SCORES = {"mean": 0.25, "valence": 0.125, "arousal": 0.375}
EXPERIMENTS = {"gru": experiment(), "later": experiment()}


def published(*tables: dict[str, Any], small: bool = False) -> Published:
    return Published({"paper": read_reported(list(tables) or [TABLE], "a test")}, small)


def facts() -> dict[str, Any]:
    """What the report knows of one experiment and one ensemble on a real data set with networks that were trained."""
    summary = {"experiment": "gru", "dataset": "real", "tasks": ["va"], "models": 2, "of": 2, "metrics": {"va": SCORES}}
    ensemble = {
        "ensemble": "five",
        "dataset": "real",
        "task": "va",
        "models": ["gru/fold1-0", "gru/fold2-0"],
        "random_features": [],
        "scores": {"val": {**SCORES, "valence": 0.5}, "apart": {**SCORES, "valence": 0.75}},
        "truth": {**SCORES, "arousal": 0.875},
    }
    models = [{"experiment": "gru", "random_features": []}, {"experiment": "gru", "random_features": []}]
    return {"made_up": [], "experiments": [summary], "models": models, "ensembles": [ensemble], "joined": []}


def cells(told: dict[str, Any], asked: Published | None = None) -> dict[str, list[dict[str, Any]]]:
    """Cells of the first table by row."""
    ((_, tables),) = (paper.values() for paper in side_by_side(asked or published(), told, EXPERIMENTS))
    return {row["name"]: row["cells"] for row in tables[0]["rows"]}


def values(row: list[dict[str, Any]]) -> list[list[float]]:
    return [[one["value"] for one in cell["ours"]] for cell in row]


def test_every_cell_has_the_score_of_its_column_and_clips() -> None:
    found = cells(facts())
    assert values(found["GRU"]) == [[0.125], [0.25], []]
    assert values(found["five"]) == [[0.5], [0.25], [0.875]]
    assert values(found["later"]) == values(found["baseline"]) == [[], [], []]
    assert [cell["paper"] for cell in found["five"]] == [0.5, None, 0.448]


def test_official_validation_clips_that_no_fold_uses_are_asked_for_by_name() -> None:
    rows = [{"name": on, "of": "five", "clips": on, "values": [0.5]} for on in ("val", "apart")]
    found = cells(facts(), published({**TABLE, "columns": ["valence"], "rows": rows}))
    assert values(found["val"]) == [[0.5]] and values(found["apart"]) == [[0.75]]


def test_why_a_cell_has_none_of_ours() -> None:
    found = cells(facts())
    assert [cell["why"] for cell in found["GRU"]] == ["", "", "no labels of these clips"]
    assert {cell["why"] for cell in found["later"]} == {"not made yet"}
    assert {cell["why"] for cell in found["baseline"]} == {""}


def made_up(told: dict[str, Any]) -> None:
    told["made_up"] = ["real"]


def random_weights(told: dict[str, Any]) -> None:
    told["ensembles"][0]["random_features"] = told["models"][1]["random_features"] = ["densenet"]


def trained_on_made_up(told: dict[str, Any]) -> None:
    """``gru`` is trained on ``demo``."""
    told["made_up"] = ["demo"]


@pytest.mark.parametrize("spoil", [made_up, random_weights, trained_on_made_up])
def test_what_forbids_to_compare_stands_in_every_cell(spoil: Callable[[dict[str, Any]], None]) -> None:
    told = facts()
    assert all(one["comparable"] for row in cells(told).values() for cell in row for one in cell["ours"])
    spoil(told)
    ours = [one for row in cells(told).values() for cell in row for one in cell["ours"]]
    assert len(ours) == 5 and not any(one["comparable"] for one in ours)
    assert all(one["made_up"] or one["random_features"] for one in ours)


def test_small_networks_and_missing_trainings_forbid_it_too() -> None:
    small = [one for row in cells(facts(), published(small=True)).values() for cell in row for one in cell["ours"]]
    assert len(small) == 5 and not any(one["comparable"] for one in small)
    told = facts()
    told["experiments"][0]["of"] = 6
    assert [one["comparable"] for cell in cells(told)["GRU"] for one in cell["ours"]] == [False, False]


def test_a_submission_of_several_tasks_has_the_score_of_its_track() -> None:
    told = facts()
    told["ensembles"].append({**told["ensembles"][0], "ensemble": "units", "task": "au", "random_features": ["mae"]})
    parts = {"va": "five", "au": "units"}
    told["joined"] = [
        {"name": "all", "dataset": "real", "ensembles": parts, "scores": {"val": 1.7}, "truth": None},
    ]
    rows = [{"name": "P", "of": "all", "values": [1.742]}]
    (cell,) = cells(told, published({**TABLE, "columns": ["mean"], "rows": rows}))["P"]
    (ours,) = cell["ours"]
    assert ours["value"] == 1.7 and ours["random_features"] == ["mae"] and not ours["comparable"]


def test_an_experiment_of_several_tasks_is_read_by_the_tables_own() -> None:
    told = facts()
    told["experiments"][0] |= {"tasks": ["va", "au"], "metrics": {"va": SCORES, "au": {"mean": 0.6, "AU1": 0.7}}}
    rows = [{"name": "GRU", "of": "gru", "values": [0.5, 0.5]}]
    table = {**TABLE, "task": "au", "columns": ["AU1", "mean"], "rows": rows}
    assert values(cells(told, published(table))["GRU"]) == [[0.7], [0.6]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": [{"name": "a", "values": [1.0]}]}, r"reported\.0: row 'a' has 1 values for 3 columns"),
        ({"column": []}, r"reported\.0\.column: unknown key; did you mean 'columns'\?"),
        (
            {"rows": [{"name": "a", "clips": "train", "values": [1, 1, 1]}]},
            r"reported\.0\.rows\.0\.clips: no such value 'train'",
        ),
    ],
)
def test_a_table_that_is_written_wrongly_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^p\.yaml: {message}"):
        read_reported([{**TABLE, **changes}], "p.yaml")


@pytest.mark.parametrize(
    ("changes", "predicted", "message"),
    [
        ({}, {"gru": ["va"], "fives": ["va"]}, "row 'five': no 'five'; did you mean 'fives'"),
        ({"columns": ["arousal_", "mean", "mean"]}, {}, "'gru' has no score 'arousal_'; did you mean 'arousal'"),
        ({}, {"gru": ["va", "au"]}, "row 'GRU': 'gru' predicts va, au; name one of them as the table's task"),
        ({"task": "expr"}, {}, "row 'GRU': 'gru' predicts va, not 'expr'"),
        ({}, {"gru": []}, "'gru' has no score 'valence'; known: mean"),
    ],
)
def test_a_table_about_what_the_settings_do_not_hold_is_named(
    changes: dict[str, Any], predicted: dict[str, list[str]], message: str
) -> None:
    known = predicted if "fives" in predicted else {"gru": ["va"], "five": ["va"], "later": ["va"], **predicted}
    with pytest.raises(ValueError, match=re.escape(f"p.yaml: reported 'Table 2': {message}")):
        check_reported(read_reported([{**TABLE, **changes}], "p.yaml"), known, "p.yaml")


@pytest.mark.parametrize("preset", known_presets())
def test_the_tables_of_every_preset_are_about_what_it_holds(preset: str) -> None:
    """``check`` refuses them otherwise."""
    assert bool(reported(preset)) == (preset != "netease_abaw6_ce")  # the paper gives no figures for that track
    check(settings(preset, "demo"), preset)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """The papers' tables on the page of a small run, by what was published."""
    base = tmp_path_factory.mktemp("beside")
    labels, results = data_set(base / "data")["va"], base / "results"
    generated, layout = affwild2(base / "data"), Layout(results, "demo")
    build_index("demo", Affwild2Settings(**generated.model_dump(exclude={"generate"})), layout)
    for seed, mean in ((0, 0.4), (1, 0.6)):
        trained(layout, "gru", "official", seed, experiment(), {"va": mean})
    fused(layout, labels, "five")

    def build(asked: Published) -> str:
        ensembles = {"five": EnsembleSettings(members=["gru"])}
        html = build_report(results, {"demo": generated}, EXPERIMENTS, ensembles, (), asked).read_text()
        return html.partition("Side by side")[2].partition("</section>")[0]

    with pytest.MonkeyPatch.context() as patch:
        for plots in ("_training", "_curves"):
            patch.setattr(f"abaw_pipeline.report.build.{plots}", lambda *_: [])
        yield build


def shown(section: str, row: str) -> list[str]:
    """Texts of the cells of a row."""
    found = re.search(rf"<tr><td>{row}\b.*?</tr>", section, re.DOTALL)
    assert found is not None
    texts = (re.sub(r"<[^>]*>", " ", cell) for cell in re.findall(r"<td.*?</td>", found[0], re.DOTALL))
    return [" ".join(text.split()) for text in texts]


def test_the_page_says_in_each_cell_what_ours_was_made_with(page: Callable[..., str]) -> None:
    section = page(published())
    head, *texts = shown(section, "GRU")
    flags = "made-up data: demo random weights"
    assert head == "GRU ours: gru; held-out clips, mean over folds and seeds"
    assert texts[:2] == [f"0.3900 ours (0.600) {flags}", f"−0.4785 ours (0.500) {flags}"]
    assert texts[2] == "– ours: no labels of these clips"
    assert shown(section, "baseline")[1:] == ["0.3100", "0.2400", "0.2000"]


def test_no_figure_of_made_up_data_looks_as_if_it_could_be_compared(page: Callable[..., str]) -> None:
    """Not one of ours stands without its brackets, its pale colour and its flags."""
    figures = r'<span class="(ours[^"]*)">(.*?)</span>\s*<span class="with">(.*?)</td>'
    found = re.findall(figures, page(published(small=True)), re.DOTALL)
    assert len(found) == 5
    for style, text, flags in found:
        assert style == "ours unlike" and re.fullmatch(r"ours \([−.\d]+\)", text)
        assert "made-up data: demo" in flags and "random weights" in flags and "small networks" in flags


def test_a_page_without_presets_has_no_such_section(page: Callable[..., str]) -> None:
    assert page(Published({})) == ""
    assert "mine</h3> <p>The paper gives no figures." in " ".join(page(Published({"mine": []})).split())


def test_settings_are_refused_before_any_job_where_a_preset_is_about_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text(
        "reported: [{title: T, metric: CCC, columns: [mean], rows: [{name: a, of: b, values: [1]}]}]\n"
    )
    monkeypatch.setattr("abaw_pipeline.presets.FOLDER", tmp_path)
    raw = {"presets": ["mine"], "datasets": {"demo": affwild2(tmp_path).model_dump(exclude_unset=True)}}
    with pytest.raises(ValueError, match=r"^workflow/presets/mine\.yaml: reported 'T': row 'a': no 'b'"):
        check(raw, "config.yaml")
