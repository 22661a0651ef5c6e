"""Windows over clips, and what networks predict for every frame of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from abaw_pipeline.models.temporal import TemporalModel
from abaw_pipeline.training.predict import Serving, predict_frames, predict_serving
from abaw_pipeline.training.resident import Resident, Standard, pack
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network
from abaw_pipeline.training.windows import cut
from tests.probes import Probe, RowNumber

torch.set_num_threads(1)

L = 8
LENGTHS = (1, L - 1, L, L + 1, 3 * L + 7)
PLAIN = Standard(torch.zeros(1), torch.ones(1))


def settings(segment: int = L, stride: int | None = None, batch: int = 2, task: str = "va", **more: Any):
    raw = {"task": task, "features": ["a"], "encoder": {"name": "gru", "hidden": 6}}
    return ExperimentSettings.model_validate({**raw, "segment": segment, "stride": stride, "batch": batch, **more})


def numbered(*lengths: int) -> Resident:
    """Clips whose only number a frame counts the frames of all clips."""
    rows = np.arange(sum(lengths), dtype=np.float32)[:, None]
    parts = np.split(rows, np.cumsum(lengths)[:-1])
    return pack([(part, np.ones((len(part), 1), bool)) for part in parts], len(rows), [1])


def predicted(network: Any, clips: Resident, chosen: ExperimentSettings) -> np.ndarray:
    return predict_frames(network, clips, PLAIN, chosen)[next(iter(chosen.targets))]


# every frame


@pytest.mark.parametrize("stride", [L, L // 2])
@pytest.mark.parametrize("length", LENGTHS)
def test_windows_cover_every_frame(length: int, stride: int) -> None:
    windows = cut([3, length, 5], L, stride)
    hits = np.zeros(3 + length + 5, int)
    owner = np.repeat([0, 1, 2], [3, length, 5])
    rows, mask = windows.rows()
    for row, here, clip in zip(rows.numpy(), mask.numpy(), windows.clips.tolist(), strict=True):
        assert set(owner[row]) == {clip}
        assert (np.diff(row[here]) == 1).all()
        hits[row[here]] += 1
    assert (hits == 1).all() if stride == L else ((hits >= 1) & (hits <= 2)).all()


@pytest.mark.parametrize("stride", [L, L // 2])
@pytest.mark.parametrize("length", LENGTHS)
def test_each_frame_is_predicted_once(length: int, stride: int) -> None:
    got = predicted(RowNumber(), numbered(2, length), settings(stride=stride))
    assert got[:, 0] == pytest.approx(np.arange(2 + length))


def test_overlapping_windows_are_averaged() -> None:
    got = predicted(RowNumber(place=1), numbered(12), settings(stride=4, batch=1))[:, 0] - np.arange(12)
    # frames 4 to 7 stand at 4..7 of the first window and at 0..3 of the second
    assert got == pytest.approx([0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7])


def test_probabilities_are_averaged_not_scores() -> None:
    """A frame in two windows has another score in each: eight classes, the first one's is 3 times the place."""

    def rule(frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        place = torch.arange(frames.shape[1])[:, None].expand(*frames.shape[:2], 1)
        return torch.cat([3.0 * place, torch.zeros(*frames.shape[:2], 7)], -1)

    def first(place: float) -> float:
        return float(np.exp(3 * place) / (np.exp(3 * place) + 7))

    got = predicted(Probe("expr", rule), numbered(6), settings(4, 2, task="expr"))
    assert got.sum(axis=1) == pytest.approx(np.ones(6), abs=1e-6)
    expected = [first(0), first(1), (first(2) + first(0)) / 2, (first(3) + first(1)) / 2, first(2), first(3)]
    assert got[:, 0] == pytest.approx(expected, abs=1e-6)


def test_units_are_probabilities() -> None:
    probe = Probe("au", lambda frames, mask: frames.expand(-1, -1, 12))
    got = predicted(probe, numbered(3), settings(task="au"))
    assert got == pytest.approx(np.repeat([[0.5], [1 / (1 + np.exp(-1))], [1 / (1 + np.exp(-2))]], 12, 1), abs=1e-6)


def test_a_clip_is_predicted_by_the_mean_over_its_windows() -> None:
    probe = Probe("eri", lambda frames, mask: (frames[..., 0] * mask).sum(1, keepdim=True).expand(-1, 7))
    got = predicted(probe, numbered(2, 5, 4), settings(4, 2, batch=3, task="eri"))
    # sums of the windows' frame numbers: 0 1 | 2 3 4 5, 4 5 6 | 7 8 9 10
    assert got == pytest.approx(np.repeat([[1], [(14 + 15) / 2], [34]], 7, 1))


def test_predictions_that_are_not_finite_stop() -> None:
    probe = Probe("va", lambda frames, mask: torch.where(frames == 5, torch.nan, frames).expand(-1, -1, 2))
    assert predicted(probe, numbered(5), settings()).shape == (5, 2)
    with pytest.raises(ValueError, match=r"not finite; lower optimiser\.lr"):
        predicted(probe, numbered(6), settings())


# several networks


def constant(value: float, task: str = "va", columns: int = 2) -> Any:
    return Probe(task, lambda frames, mask: torch.full((*frames.shape[:2], columns), value))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((None, None), [2, 2]),
        (({"va": [0]}, {"va": [1]}), [1, 3]),
        ((None, {"va": [1]}), [1, 2]),
        (({}, {"va": [0, 1]}), [3, 3]),
    ],
)
def test_networks_serve_columns_and_a_column_is_the_mean_over_those_that_serve_it(
    columns: Sequence[Any], expected: list[float]
) -> None:
    networks = [Serving(constant(value), served) for value, served in zip((1, 3), columns, strict=True)]
    got = predict_serving(networks, numbered(3, 10), PLAIN, settings())["va"]
    assert got.dtype == np.float32
    assert got.tolist() == [expected] * 13


# company, padding, state

NOTES = [FeatureNote("a", "key", 3, "visual", False), FeatureNote("b", "key", 2, "audio", False)]
STANDARD = Standard(torch.full((5,), 0.3), torch.full((5,), 1.7))
TRANSFORMER = {"width": 8, "heads": 2, "layers": 2, "feedforward": 12}


def network_of(chosen: ExperimentSettings) -> TemporalModel:
    torch.manual_seed(0)
    return build_network(chosen, NOTES).eval()


def some_clips(lengths: Sequence[int], gaps: bool = True) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(4)
    return [
        (rng.normal(size=(length, 5)).astype(np.float32), (rng.random((length, 2)) > 0.3) | (not gaps))
        for length in lengths
    ]


def predictions(network: TemporalModel, clips: Any, chosen: ExperimentSettings) -> dict[str, np.ndarray]:
    return predict_frames(network, pack(clips, sum(len(values) for values, _ in clips), [3, 2]), STANDARD, chosen)


MODELS: dict[str, dict[str, Any]] = {
    "gru": {"encoder": {"name": "gru", "hidden": 8, "bidirectional": True}, "stride": 5},
    "carried": {"encoder": {"name": "lstm", "hidden": 8, "carry_state": True}},
    "transformer": {"encoder": {"name": "transformer", **TRANSFORMER}, "stride": 5, "fusion": "late"},
    "tcn": {"encoder": {"name": "tcn", "width": 8, "levels": 3}, "stride": 5},
    "tokens": {"encoder": {"name": "transformer", **TRANSFORMER}, "fusion": "clip_tokens"},
    "feedback": {
        "encoder": {"name": "gru", "hidden": 8},
        "framework": {"name": "feedback", "encoder": {"name": "gru", "hidden": 6}, "source": "au", "target": "va"},
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_a_clip_is_predicted_alike_in_any_company(name: str) -> None:
    raw = {"features": ["a", "b"], "segment": L, "tasks": {"va": {}, "au": {}}, **MODELS[name]}
    clips = some_clips([*LENGTHS, 2 * L])
    chosen = [ExperimentSettings.model_validate({**raw, "batch": batch}) for batch in (1, 3, 16)]
    network = network_of(chosen[0])
    alone = [predictions(network, [clip], chosen[0]) for clip in clips]
    for one in chosen:
        together = predictions(network, clips, one)
        for task in ("va", "au"):
            assert together[task] == pytest.approx(np.concatenate([made[task] for made in alone]), abs=1e-5)


def test_a_whole_clip_is_predicted_alike_in_any_company() -> None:
    raw = {"features": ["a", "b"], "segment": L, "stride": 4, "task": "emi", "encoder": {"name": "gru", "hidden": 8}}
    clips = some_clips(LENGTHS)
    chosen = [ExperimentSettings.model_validate({**raw, "batch": batch}) for batch in (1, 3, 16)]
    network = network_of(chosen[0])
    alone = np.concatenate([predictions(network, [clip], chosen[0])["emi"] for clip in clips])
    assert alone.shape == (len(clips), 6) and np.ptp(alone, axis=0).min() > 1e-3
    for one in chosen:
        assert predictions(network, clips, one)["emi"] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("encoder", ["gru", "lstm"])
@pytest.mark.parametrize("framework", ["basic", "share_bottom"])
def test_carried_state_segment_by_segment_equals_the_whole_clip(encoder: str, framework: str) -> None:
    def chosen(segment: int, carry_state: bool = True) -> ExperimentSettings:
        own = {"name": encoder, "hidden": 8, "layers": 2, "carry_state": carry_state}
        shared = framework if framework == "basic" else {"name": framework, "encoder": own}
        raw = {"features": ["a", "b"], "task": "va", "encoder": own, "framework": shared, "batch": 3}
        return ExperimentSettings.model_validate({**raw, "segment": segment})

    clips = some_clips([*LENGTHS, 2 * L])
    expected = predictions(network_of(chosen(100)), clips, chosen(100))["va"]
    assert predictions(network_of(chosen(L)), clips, chosen(L))["va"] == pytest.approx(expected, abs=1e-5)
    forgetful = predictions(network_of(chosen(L, False)), clips, chosen(L, False))["va"]
    assert np.abs(forgetful - expected).max() > 1e-3
