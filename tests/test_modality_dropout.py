"""Modalities taken for absent in training."""

from __future__ import annotations

import pytest
import torch

from abaw_pipeline.models.fusion.modality_dropout import ModalityDropout
from tests.encoders import mask_of
from tests.temporal_models import PARTS, batch, model

torch.set_num_threads(1)


def test_modality_dropout_takes_out_whole_modalities_of_windows_at_its_rate() -> None:
    rate, windows = 0.4, 20_000
    drop = ModalityDropout(PARTS, rate).train()
    torch.manual_seed(0)
    frames, known = drop(torch.ones(windows, 2, 7), torch.ones(windows, 2, 3, dtype=torch.bool), mask_of(2))
    assert torch.equal(frames > 0, known.repeat_interleave(torch.tensor([3, 2, 2]), -1))
    assert torch.equal(known[..., 0], known[..., 2])
    assert torch.equal(known[:, 0], known[:, 1])
    visual, audio = known[:, 0, 0], known[:, 0, 1]
    assert (visual | audio).all()
    deviation = 4 * (rate * (1 - rate) / windows) ** 0.5
    for stays in (visual, audio):
        assert 1 - stays.float().mean().item() == pytest.approx(rate - rate**2 / 2, abs=deviation)


def test_modality_dropout_leaves_the_only_modality_that_has_values() -> None:
    drop = ModalityDropout(PARTS, 0.9).train()
    known = torch.ones(500, 3, 3, dtype=torch.bool)
    known[:, :, 1] = False
    known[:, 1:, 1] = True  # in padding, where nothing counts
    assert torch.equal(
        drop(torch.ones(500, 3, 7), known, mask_of(*[1] * 500, 3)[:500])[1][..., [0, 2]], known[..., [0, 2]]
    )


def test_modality_dropout_is_of_training_alone() -> None:
    frames, known, mask = batch(*[4] * 50)
    plain = model().fusion(frames, known, mask).main
    dropping = model(fusion={"name": "early", "modality_dropout": 0.5}).fusion
    assert torch.equal(dropping.eval()(frames, known, mask).main, plain)
    assert not torch.equal(dropping.train()(frames, known, mask).main, plain)
    alone = model(fusion={"name": "early", "modality_dropout": 0.9}, parts=PARTS[:1]).fusion.train()
    one = batch(4, 4, parts=PARTS[:1])
    assert torch.equal(alone(*one).main, alone.eval()(*one).main)
