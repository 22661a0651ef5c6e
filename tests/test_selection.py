"""Which epochs predict, on histories written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.optimisation.settings import SelectSettings
from abaw_pipeline.training.select import best, chosen, stops

SETTINGS: TypeAdapter[Any] = TypeAdapter(SelectSettings)
VA, EXPR, AU = TASKS["va"], TASKS["expr"], TASKS["au"]


def of_va(*pairs: tuple[float, float]) -> list[Epoch]:
    """Epochs with these valence and arousal scores."""
    return [
        Epoch(n, 0.0, {"va": 0.0}, (v + a) / 2, {"va": {"mean": (v + a) / 2, "valence": v, "arousal": a}}, 0.1)
        for n, (v, a) in enumerate(pairs, 1)
    ]


def of_several(*scores: tuple[float, float, float, float]) -> list[Epoch]:
    """Epochs with these scores of valence, arousal, expressions and action units."""
    return [
        Epoch(
            line.epoch,
            0.0,
            dict.fromkeys(("va", "expr", "au"), 0.0),
            (v + a) / 2 + expr + au,
            line.scores | {"expr": {"mean": expr}, "au": {"mean": au}},
            0.1,
        )
        for line, (v, a, expr, au) in zip(of_va(*((v, a) for v, a, *_ in scores)), scores, strict=True)
    ]


HISTORY = of_va((0.1, 0.9), (0.4, 0.4), (0.6, 0.4), (0.6, 0.2))


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("best", {1: None}),
        ("last", {4: None}),
        ("best_per_column", {3: {"va": [0]}, 1: {"va": [1]}}),
        ({"name": "range", "first": 2, "last": 3}, {2: None, 3: None}),
        ({"name": "range", "first": 4, "last": 9}, {4: None}),
        ({"name": "range", "first": 5, "last": 9}, {}),
    ],
)
def test_epochs_by_rule(select: Any, expected: Any) -> None:
    assert chosen(SETTINGS.validate_python(select), HISTORY, [VA]) == expected


def test_of_equally_good_epochs_the_first() -> None:
    history = of_va((0.1, 0.2), (0.3, 0.3), (0.3, 0.3))
    for select in ("best", "best_per_column"):
        assert list(chosen(SETTINGS.validate_python(select), history, [VA])) == [2]


def test_values_are_chosen_one_by_one_and_classes_and_labels_together() -> None:
    history = of_several((0.5, 0.1, 0.2, 0.6), (0.4, 0.3, 0.7, 0.1), (0.1, 0.2, 0.6, 0.5))
    per_column = chosen(SETTINGS.validate_python("best_per_column"), history, [VA, EXPR, AU])
    assert per_column == {1: {"va": [0], "au": list(range(12))}, 2: {"va": [1], "expr": list(range(8))}}
    assert chosen(SETTINGS.validate_python("best"), history, [VA, EXPR, AU]) == {3: None}


def test_a_training_stops_when_its_best_epoch_is_that_far_back() -> None:
    assert [stops(2, HISTORY[:n]) for n in range(5)] == [False, False, False, True, True]
    assert best(HISTORY).epoch == 1 and not stops(None, HISTORY) and not stops(4, HISTORY)


def test_the_columns_of_a_history_with_one_task_and_with_several() -> None:
    assert list(HISTORY[0].flat()) == ["epoch", "loss", "ccc_valence", "ccc_arousal", "mean", "lr"]
    several = of_several((0.5, 0.1, 0.2, 0.6))[0].flat()
    assert (several["va_ccc_valence"], several["va_mean"], several["expr_mean"], several["au_loss"]) == (
        0.5,
        pytest.approx(0.3),
        0.2,
        0.0,
    )
    assert several["score"] == pytest.approx(1.1) and "mean" not in several
    assert list(Epoch(1, 0.5, {"va": 0.5}, None, {}, 0.1).flat()) == ["epoch", "loss", "lr"]
