"""Compound expressions made of the probabilities of basic ones: the rule, ensembles that use it, and their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gmean

from abaw_pipeline.datasets.index import build_index
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.compound import compound, pairs
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import macro_f1
from abaw_pipeline.report.build import build_report
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import check
from abaw_pipeline.tasks import TASKS
from tests.report_results import ROWS, affwild2, data_set, fused, truth_of
from tests.toy_results import Toy, experiment

EXPR = TASKS["expr"].columns


def basic(**shares: float) -> np.ndarray:
    """One frame's probabilities ``(1, 8)``; expressions that are not named have none."""
    return np.array([[shares.get(name, 0.0) for name in EXPR]])


def test_each_compound_expression_has_its_two_basic_ones() -> None:
    assert [tuple(EXPR[i] for i in pair) for pair in pairs()] == [
        ("Fear", "Surprise"),
        ("Happiness", "Surprise"),
        ("Sadness", "Surprise"),
        ("Disgust", "Surprise"),
        ("Anger", "Surprise"),
        ("Sadness", "Fear"),
        ("Sadness", "Anger"),
    ]


def test_known_probabilities() -> None:
    shown = basic(Surprise=0.64, Fear=0.04, Happiness=0.16, Sadness=0.16)
    assert compound(shown, "product")[0] == pytest.approx([2 / 11, 4 / 11, 4 / 11, 0, 0, 1 / 11, 0], abs=1e-6)
    means = np.array([0.34, 0.4, 0.4, 0.32, 0.32, 0.1, 0.08])
    assert compound(shown, "mean")[0] == pytest.approx(means / 1.96, abs=1e-6)
    assert compound(basic(Anger=0.5, Surprise=0.5), "product").argmax() == TASKS["ce"].columns.index(
        "Angrily_Surprised"
    )


@given(arrays(np.float64, (4, 8), elements=st.floats(1e-6, 1)))
def test_both_rules_are_means_of_the_two_relative_to_the_others(probabilities: np.ndarray) -> None:
    both = probabilities[:, pairs()]
    for rule, each in (("product", gmean(both, axis=2)), ("mean", both.mean(axis=2))):
        found = compound(probabilities, rule)
        assert found == pytest.approx(each / each.sum(axis=1, keepdims=True), rel=1e-5)
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("rule", ["product", "mean"])
def test_a_frame_that_shows_none_of_them_says_nothing(rule: Any) -> None:
    assert compound(basic(Neutral=0.5, Other=0.5), rule)[0] == pytest.approx(np.full(7, 1 / 7))


# ensembles


def predicted(toy: Toy, name: str, clips: dict[str, np.ndarray]) -> Any:
    """What one made-up model of expressions predicted: ``(n, 8)`` by clip."""
    store = ArrayStore(toy.layout.predictions(name, "official", 0), "abaw infer")
    manifest = Manifest({"trained_on": [], "random_features": []})
    for clip, values in clips.items():
        content = store.write_arrays(clip, {"expr": values.astype(np.float32)}, "k", {})
        manifest.clips[clip] = {"key": "k", "content": content, "rows": len(values), "role": "test"}
    manifest.write(toy.layout.predictions_manifest(name, "official", 0))
    return experiment(task="expr")


def ensemble(rule: str) -> EnsembleSettings:
    return EnsembleSettings.model_validate({"members": ["*"], "task": "ce", "compound": rule})


def test_models_are_averaged_before_the_rule_and_scored_on_labels_of_ones_own(tmp_path: Path) -> None:
    toy = Toy(tmp_path, {"a": "train", "b": "test"}, tasks=("ce",))
    rng = np.random.default_rng(0)
    values = [rng.dirichlet(np.ones(8), 60) for _ in range(2)]
    members = {name: predicted(toy, name, {"a": one}) for name, one in zip("xy", values, strict=True)}
    manifest = blend("e", ensemble("product"), members, toy.layout)
    found = ArrayStore(toy.layout.ensemble("e"), "").read_arrays("a")["ce"]
    assert found == pytest.approx(compound((values[0] + values[1]) / 2, "product"), abs=1e-6)
    expected, _ = macro_f1(toy.truth["ce"]["a"][:, 0], found.argmax(axis=1), 7)
    assert manifest.about["scores"]["test"]["mean"] == pytest.approx(expected)
    assert manifest.about["compound"] == "product"


def test_another_rule_fuses_again(tmp_path: Path) -> None:
    toy = Toy(tmp_path, {"a": "test"}, tasks=("ce",))
    values = np.random.default_rng(1).dirichlet(np.ones(8), 30)
    members = {"x": predicted(toy, "x", {"a": values})}
    first = blend("e", ensemble("product"), members, toy.layout)
    assert blend("e", ensemble("product"), members, toy.layout) == first
    second = blend("e", ensemble("mean"), members, toy.layout)
    assert second.clips["a"]["key"] != first.clips["a"]["key"]
    found = ArrayStore(toy.layout.ensemble("e"), "").read_arrays("a")["ce"]
    assert found == pytest.approx(compound(values, "mean"), abs=1e-6)


# settings


def settings(**ensemble: Any) -> dict[str, Any]:
    experiments = {
        name: {"task": task, "dataset": dataset, "features": ["fbank"], "encoder": {"name": "gru"}}
        for name, task, dataset in (("expr", "expr", "aw"), ("ce", "ce", "ce"))
    }
    return {
        "datasets": {
            "aw": {"adapter": "affwild2", "root": "aw", "tasks": ["expr"]},
            "ce": {"adapter": "c_expr_db", "root": "ce", "tables": {"ce": "ce.csv"}},
        },
        "features": {"fbank": {"extractor": "fbank"}},
        "experiments": experiments,
        "ensembles": {"e": {"members": ["expr"], "datasets": ["ce"], **ensemble}},
    }


def test_members_of_expressions_make_compound_ones() -> None:
    config = check(settings(task="ce", compound="mean"), "c.yaml")
    assert config.ensembles["e"].read == "expr" and config.ensemble_datasets("e") == ["ce"]
    assert check(settings(task="ce", members=["ce"]), "c.yaml").ensembles["e"].read == "ce"


@pytest.mark.parametrize(
    ("ensemble", "message"),
    [
        ({"task": "ce"}, "ensembles.e: it is of task 'ce', but 'expr' predicts expr"),
        ({"task": "ce", "compound": "mean", "members": ["ce"]}, "it makes ce from expr, but 'ce' predicts ce"),
        ({"task": "expr", "compound": "mean"}, "ensembles.e: compound: it makes compound expressions.*set task: ce"),
        ({"task": "ce", "compound": "sum"}, "ensembles.e.compound"),
    ],
)
def test_what_does_not_fit_is_one_line(ensemble: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^c\.yaml: .*{message}") as stopped:
        check(settings(**ensemble), "c.yaml")
    assert "\n" not in str(stopped.value)


# the report


def test_the_page_says_what_compound_expressions_are_made_of(tmp_path: Path) -> None:
    data_set(tmp_path / "data", ("expr",))
    datasets, layout = {"demo": affwild2(tmp_path / "data", ("expr",))}, Layout(tmp_path / "results", "demo")
    build_index("demo", datasets["demo"], layout)
    fused(layout, {clip: truth_of(TASKS["ce"], rows) for clip, rows in ROWS.items()}, "e", "ce")
    manifest = Manifest.read(layout.ensemble_manifest("e"), "")
    manifest.about["compound"] = "product"
    manifest.write(layout.ensemble_manifest("e"))
    page = build_report(tmp_path / "results", datasets, {}, {"e": ensemble("product")}).read_text()
    assert "compound expressions made of the probabilities of basic ones by their product" in page
