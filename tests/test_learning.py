"""Every encoder, fusion and framework learns the built-in corpus, and learns it from the labels."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cells import Cell, framework_cells, fusion_cells
from encoders import ABOVE_SHUFFLED, LEAST, corpus, learnt, shown

from abaw_pipeline.config import Config
from abaw_pipeline.models.registry import ENCODERS, FRAMEWORKS, FUSIONS
from tests.temporal_models import PARTS

CELLS = fusion_cells(PARTS)[0]
SHUFFLES = 2


def test_the_table_has_every_encoder_fusion_and_framework() -> None:
    settings = [cell.settings for cell in CELLS]
    assert {one.encoder.name for one in settings} == set(ENCODERS)
    assert {one.fusion.name for one in settings} == set(FUSIONS)
    assert {cell.settings.framework.name for cell in framework_cells()} == set(FRAMEWORKS)
    assert len({cell.name for cell in CELLS}) == len(CELLS)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.slow
@pytest.mark.parametrize("cells", [CELLS, framework_cells()], ids=["fusions", "frameworks"])
def test_every_cell_learns_far_more_than_from_shuffled_labels(config: Config, cells: Sequence[Cell]) -> None:
    failed = [shown(row) for row in learnt(cells, config, SHUFFLES) if not row.learns]
    assert not failed, f"CCC below {LEAST} or less than {ABOVE_SHUFFLED} above that of shuffled labels"
