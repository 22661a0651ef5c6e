"""Settings of experiments: grids written out, bad values refused."""

from __future__ import annotations

import pytest

from abaw_pipeline.training.grids import GridSettings, expand
from abaw_pipeline.training.settings import ExperimentSettings


def test_grid_expansion() -> None:
    grid = GridSettings.model_validate(
        {
            "task": "va",
            "features": {"vis": ["a", "b"], "av": ["a", "c"]},
            "encoders": {"gru": {"name": "gru", "hidden": 4}, "trf": {"name": "transformer"}},
            "epochs": 3,
            "seeds": [1, 2],
        }
    )
    experiments = expand("va", grid)
    assert sorted(experiments) == ["va_av_gru", "va_av_trf", "va_vis_gru", "va_vis_trf"]
    one = experiments["va_av_gru"]
    assert (one.features, one.encoder.name, one.epochs, one.seeds) == (["a", "c"], "gru", 3, [1, 2])
    assert "batch" not in one.model_fields_set


def test_grid_names_must_differ() -> None:
    encoders = {"c": {"name": "gru"}, "b_c": {"name": "gru"}}
    grid = GridSettings.model_validate({"task": "va", "features": {"a": ["x"], "a_b": ["x"]}, "encoders": encoders})
    with pytest.raises(ValueError, match=r"grids\.g: two combinations are named 'g_a_b_c'"):
        expand("g", grid)


@pytest.mark.parametrize(
    "change",
    [
        {"features": []},
        {"features": ["a", "a"]},
        {"seeds": [0, 0]},
        {"seeds": []},
        {"segment": 4, "stride": 5},
        {"epochs": 0},
        {"optimiser": {"lr": 0}},
        {"folds": {"name": "kfold", "k": 1}},
        {"hiden": 3},
    ],
)
def test_bad_settings(change: dict[str, object]) -> None:
    raw = {"task": "va", "features": ["a"], "encoder": {"name": "gru"}}
    assert ExperimentSettings.model_validate(raw)
    with pytest.raises(ValueError, match=r"validation error"):
        ExperimentSettings.model_validate({**raw, **change})
