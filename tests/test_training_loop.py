"""The training loop, on made-up features in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from abaw_pipeline.models.streams import Predicted, State
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training import goals, loop
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.settings import ExperimentSettings
from tests.small_trainings import LENGTHS, equal, network, side, small, trained

torch.set_num_threads(1)

CARRIED = {"encoder": {"name": "lstm", "hidden": 4, "carry_state": True}, "batch": 2}
PLAIN_SGD = {"name": "sgd", "lr": 0.5, "momentum": 0.0, "weight_decay": 0.0}
ONE_STEP = {"optimiser": PLAIN_SGD, "schedule": "constant", "epochs": 1, "batch": 100}
SEVERAL = {"va": {"weight": 2.0}, "expr": {"weight": 0.25}, "au": {}}


class Seen(nn.Module):
    """A loss that notes the labels it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[float] = []
        self.types: set[torch.dtype] = set()

    def forward(self, scores: torch.Tensor, truth: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        assert len(scores) == len(truth) == len(marks) and marks.any(1).all()
        self.labels += truth[:, 0].tolist()
        self.types.add(scores.dtype)
        return scores.square().mean()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    made = Seen()
    monkeypatch.setattr(goals, "build_loss", lambda *_: made)
    return made


def numbered(task: str = "va", lengths: list[int] = LENGTHS) -> Labelled:
    """A side whose labels are the numbers of their rows."""
    made = side(task, lengths=lengths)
    one = made.tasks[task]
    values = np.broadcast_to(np.arange(len(one.values), dtype=np.float32)[:, None], one.values.shape).copy()
    return replace(made, tasks={task: replace(one, values=values)})


def annotated(side: Labelled) -> list[int]:
    (one,) = side.tasks.values()
    return np.flatnonzero(one.annotated).tolist()


def test_same_seed_same_weights() -> None:
    settings = small(encoder={"name": "gru", "hidden": 8, "layers": 2, "dropout": 0.3}, ema=0.8)
    made = []
    for outside, seed in ((0, 0), (1, 0), (2, 1)):
        torch.manual_seed(outside)
        made.append(trained(settings, seed=seed))
    assert equal(made[0], made[1]) and not equal(made[0], made[2])


@pytest.mark.parametrize("changes", [{}, CARRIED], ids=["shuffled", "walked"])
def test_every_annotated_frame_counts_once_an_epoch(seen: Seen, changes: dict[str, Any]) -> None:
    train = numbered()
    trained(small(**changes, epochs=3, select="last"), train)
    assert Counter(seen.labels) == dict.fromkeys(annotated(train), 3)


def test_a_repeated_tail_counts_again(seen: Seen) -> None:
    train = numbered(lengths=[27])
    trained(small(tail="repeat", epochs=1), train)
    repeated = [20 + step % 7 for step in range(20)]  # the last window: frames 20 to 26, from its start again
    frames = [*range(20), *repeated]
    assert Counter(seen.labels) == Counter(frame for frame in frames if frame in annotated(train))


def test_labels_of_clips_go_with_their_windows(seen: Seen) -> None:
    train = numbered("eri")
    trained(small(task="eri", segment=200, epochs=2), train, side("eri", lengths=[9, 8, 7, 6, 5], seed=3))
    assert Counter(seen.labels) == dict.fromkeys(annotated(train), 2)


def test_windows_without_an_annotated_frame_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    train, sizes = side(lengths=[100]), []
    train.tasks["va"].marks[20:80] = False
    monkeypatch.setattr(loop, "turns", lambda *given, real=loop.turns: sizes.append(len(given[1])) or real(*given))
    trained(small(epochs=1), train)
    trained(small(**CARRIED, epochs=1), train)
    assert sizes == [2, 5]


def test_a_state_is_handed_on_without_its_gradient_and_past_turns_that_teach_nothing(seen: Seen) -> None:
    handed: list[tuple[State | None, State]] = []

    def build(settings: ExperimentSettings) -> Any:
        made = network(settings)

        def note(module: nn.Module, inputs: tuple[Any, ...], output: Predicted) -> None:
            if module.training:
                handed.append((inputs[3], output.state))

        made.register_forward_hook(note)
        return made

    train = side(lengths=[80, 50])  # turns of both clips, both, both (the second is over), and the first alone
    train.tasks["va"].marks[20:40] = train.tasks["va"].marks[100:120] = False
    trained(small(**CARRIED, epochs=1), train, build=build)
    assert [before is None for before, _ in handed] == [True, False, False, False]
    for (_, after), (before, _) in pairwise(handed):
        for name, value in (before or {}).items():
            assert not value.requires_grad and torch.equal(value, after[name][: len(value)])
    assert [next(iter(after.values())).requires_grad for _, after in handed] == [True, False, True, True]


def weights(settings: ExperimentSettings) -> torch.Tensor:
    """All weights after training, in one row."""
    return torch.cat([value.flatten() for value in trained(settings).snapshots[0].weights.values()])


def test_clipping_bounds_the_length_of_a_step() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        before = torch.cat([value.flatten() for value in network(small()).state_dict().values()])
    free = (weights(small(**ONE_STEP)) - before) / 0.5
    clipped = (weights(small(**ONE_STEP, clip_norm=0.01)) - before) / 0.5
    assert free.norm() > 0.02
    torch.testing.assert_close(clipped, free * 0.01 / free.norm(), rtol=1e-3, atol=1e-6)
    loose = (weights(small(**ONE_STEP, clip_norm=100.0)) - before) / 0.5
    torch.testing.assert_close(loose, free, rtol=0, atol=0)


def test_the_average_is_what_is_validated_and_kept() -> None:
    slow = trained(small(ema=0.999999, epochs=3))
    assert len({round(epoch.score or 0, 3) for epoch in slow.history}) == 1
    fast = trained(small(epochs=3))
    assert [epoch.loss for epoch in slow.history] == [epoch.loss for epoch in fast.history]
    assert len({round(epoch.score or 0, 3) for epoch in fast.history}) == 3


def test_losses_of_several_tasks_are_weighted_and_a_task_counts_only_where_it_is_annotated() -> None:
    train = side(*SEVERAL)
    made = trained(small(tasks=SEVERAL, epochs=1, batch=100), train)
    (epoch,) = made.history
    assert epoch.loss == pytest.approx(2 * epoch.losses["va"] + 0.25 * epoch.losses["expr"] + epoch.losses["au"])
    assert epoch.score == pytest.approx(sum(task["mean"] for task in epoch.scores.values()))
    assert list(epoch.scores["expr"]) == ["mean", *TASKS["expr"].columns]
    train.tasks["expr"].marks[LENGTHS[0] :] = False
    single = trained(small(tasks=SEVERAL, epochs=1, batch=1), train)
    assert np.isfinite(single.history[0].loss) and all(value > 0 for value in single.history[0].losses.values())


def test_the_weight_of_a_task_is_that_of_its_gradient() -> None:
    one, three, five = (weights(small(**ONE_STEP, tasks={"va": {"weight": n}, "expr": {}})) for n in (1.0, 3.0, 5.0))
    assert (three - one).norm() > 0.01
    torch.testing.assert_close(five - one, 2 * (three - one), rtol=1e-3, atol=1e-5)


def test_mixed_precision_changes_little_and_leaves_losses_and_weights_float32(seen: Seen) -> None:
    encoder = {"name": "transformer", "width": 8, "heads": 2, "feedforward": 8, "layers": 1, "dropout": 0}
    exact, low = (trained(small(encoder=encoder, precision=kind)) for kind in ("float32", "bfloat16"))
    assert seen.types == {torch.float32}
    assert {value.dtype for value in low.snapshots[0].weights.values()} == {torch.float32}
    assert low.history[0].loss == pytest.approx(exact.history[0].loss, rel=0.05)
    assert low.history[0].loss != exact.history[0].loss


def test_mixed_precision_goes_with_a_carried_state() -> None:
    made = trained(small(**CARRIED, precision="bfloat16"))
    assert all(np.isfinite(epoch.loss) for epoch in made.history)


@pytest.mark.parametrize("tasks", [{"va": {}}, {"expr": {}}, {"au": {}}])
def test_two_passes_without_dropout_do_not_diverge(tasks: dict[str, Any]) -> None:
    encoder = {"name": "gru", "hidden": 8, "layers": 2, "dropout": 0.0}
    plain, twice = (trained(small(tasks=tasks, encoder=encoder, r_drop=weight)) for weight in (0.0, 5.0))
    assert [epoch.loss for epoch in twice.history] == pytest.approx([epoch.loss for epoch in plain.history], rel=1e-4)
    dropped = {**encoder, "dropout": 0.5}
    once, more = (trained(small(tasks=tasks, encoder=dropped, r_drop=weight, epochs=1)) for weight in (0.01, 50.0))
    assert more.history[0].loss > once.history[0].loss


def test_early_stop_and_plateau_look_at_the_validation_score(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.4, 0.2, 0.9])
    monkeypatch.setattr(loop, "score", lambda *_: (next(scores), [0.0, 0.0]))
    schedule = {"name": "plateau", "patience": 0, "factor": 0.5}
    made = trained(small(early_stop=4, schedule=schedule, epochs=20, optimiser={"lr": 0.08}))
    assert [epoch.score for epoch in made.history] == [0.1, 0.5, 0.3, 0.5, 0.4, 0.2]
    assert [epoch.lr for epoch in made.history] == pytest.approx([0.08, 0.08, 0.04, 0.02, 0.01, 0.005])
    assert [snapshot.epoch for snapshot in made.snapshots] == [2]


def test_only_weights_that_may_be_chosen_are_kept() -> None:
    every = trained(small(select={"name": "range", "first": 2, "last": 4}, epochs=5))
    assert [snapshot.epoch for snapshot in every.snapshots] == [2, 3, 4]
    best = trained(small(epochs=5))
    (chosen,) = best.snapshots
    assert best.history == every.history and chosen.epoch == 1 + int(np.argmax([e.score for e in best.history]))
    if chosen.epoch in (2, 3, 4):
        kept = every.snapshots[chosen.epoch - 2].weights
        assert all(torch.equal(value, kept[name]) for name, value in chosen.weights.items())


def test_without_validation_clips_there_are_no_scores() -> None:
    made = trained(small(folds="mix", select="last"), held_out=False)
    assert [(epoch.score, epoch.scores) for epoch in made.history] == [(None, {})] * 2
    assert [snapshot.epoch for snapshot in made.snapshots] == [2]


@pytest.mark.parametrize(("name", "at"), [("training", 0), ("validation", 1)])
def test_a_fold_whose_labels_all_do_not_count(name: str, at: int) -> None:
    sides = [side("va", "au"), side("va", "au", seed=9)]
    sides[at].tasks["au"].marks[:] = False
    with pytest.raises(ValueError, match=f"^the {name} clips have no annotated frame for 'au'$"):
        trained(small(tasks={"va": {}, "au": {}}), *sides)


def test_a_loss_that_is_not_finite_stops() -> None:
    train = side()
    train.clips.values[3] = torch.nan
    with pytest.raises(ValueError, match=r"^training: the loss is nan; lower optimiser\.lr$"):
        trained(small(), train)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": {"name": "cosine", "warmup": 2}}, r"schedule.warmup \(2.0\) must be shorter than epochs \(2\)"),
        ({"select": {"name": "range", "first": 1, "last": 2}, "early_stop": 1}, "leave out early_stop"),
    ],
)
def test_settings_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)
