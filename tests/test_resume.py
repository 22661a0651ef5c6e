"""A training that was killed ends in the weights of one that was not."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from abaw_pipeline.runtime.storage import CannotWrite
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.optimisation import checkpoint as checkpoint_module
from abaw_pipeline.training.optimisation.checkpoint import Checkpoint
from tests.small_trainings import equal, small, train_and_die, trained


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Here as in ``train_and_die``, whatever the tests before left: with more, sums differ in the last digit."""
    torch.set_num_threads(1)


SHUFFLED: dict[str, Any] = {
    "encoder": {"name": "transformer", "width": 8, "heads": 2, "feedforward": 8, "layers": 1, "dropout": 0.2},
    "ema": 0.9,
    "schedule": {"name": "plateau", "patience": 0, "warmup": 0.5},
    "select": "best_per_column",
    "epochs": 6,
}
WALKED: dict[str, Any] = {
    "encoder": {"name": "lstm", "hidden": 8, "layers": 2, "dropout": 0.3, "carry_state": True},
    "optimiser": {"name": "sgd", "lr": 0.1},
    "batch": 2,
    "clip_norm": 1.0,
    "select": {"name": "range", "first": 2, "last": 5},
    "epochs": 6,
}
STOPPED: dict[str, Any] = {"optimiser": {"lr": 0.3}, "early_stop": 2, "epochs": 30, "ema": 0.5}


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Children of a process that has imported torch, and what its optimisers import late, and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.small_trainings", "torch._dynamo"])
    return context


@pytest.mark.parametrize("changes", [SHUFFLED, WALKED, STOPPED], ids=["shuffled", "walked", "stopped"])
def test_killed_in_three_epochs(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext, changes: dict[str, Any]
) -> None:
    settings, path, epochs = small(**changes), tmp_path / "x.checkpoint", [0]
    undisturbed = trained(settings)
    steps = 4 if changes is not WALKED else 7
    for step in (2, steps + 2, 2 * steps + 1):
        child = processes.Process(target=train_and_die, args=(path, settings, step))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        state = Checkpoint(path, "key").load()
        epochs.append(len(state["history"]) if state else 0)
    assert 0 == epochs[1] < epochs[2] < epochs[3] < len(undisturbed.history)
    resumed = trained(settings, checkpoint=Checkpoint(path, "key"))
    assert equal(resumed, undisturbed)


def test_a_training_that_had_ended_trains_no_further(tmp_path: Path) -> None:
    settings, checkpoint = small(**STOPPED), Checkpoint(tmp_path / "x.checkpoint", "key")
    told: list[Sequence[Epoch]] = []
    first = trained(settings, checkpoint=checkpoint, tell=lambda history: told.append(list(history)))
    assert [len(history) for history in told] == list(range(1, len(first.history) + 1))
    assert len(first.history) < settings.epochs
    again = trained(settings, checkpoint=checkpoint, tell=lambda history: pytest.fail("it trained"))
    assert equal(first, again)
    checkpoint.remove()
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def _torn(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    """One bit of the first tensor's numbers is another."""
    at = data.index(b"data/0") + 200
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _foreign(data: bytes) -> bytes:
    return b"notes"


@pytest.mark.parametrize("damage", [_torn, _flipped, _foreign])
def test_a_damaged_checkpoint_is_told_and_not_used(tmp_path: Path, capsys: Any, damage: Any) -> None:
    checkpoint = Checkpoint(tmp_path / "x.checkpoint", "key")
    undisturbed = trained(small(), checkpoint=checkpoint)
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    assert equal(trained(small(), checkpoint=checkpoint), undisturbed)
    assert capsys.readouterr().err == f"{checkpoint.path}: damaged; the training begins anew\n"


def test_a_checkpoint_of_another_training_is_told_and_not_used(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "x.checkpoint"
    trained(small(epochs=1), seed=3, checkpoint=Checkpoint(path, "other"))
    assert equal(trained(small(), checkpoint=Checkpoint(path, "key")), trained(small()))
    assert capsys.readouterr().err == f"{path}: made from other settings, code or data; the training begins anew\n"
    state = Checkpoint(path, "key").load()
    assert state and len(state["history"]) == 2


def test_a_full_disk_stops_no_training(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise CannotWrite(path, 28, "0 B free")

    monkeypatch.setattr(checkpoint_module, "atomic", full)
    assert equal(trained(small(), checkpoint=Checkpoint(tmp_path / "x", "key")), trained(small()))
    assert capsys.readouterr().err.count("a full or read-only disk (0 B free)") == 1
