"""Fixtures that several files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from abaw_pipeline.tasks import use_tasks
from tests.affwild2_folder import annotate, put

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one must fail nothing
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One training clip with recording, one validation clip with crops only, one test clip."""
    base = tmp_path / "data"
    annotate(base, "314")
    annotate(base, "139-14-720x480", split="Validation_Set")
    put(base / "batch1" / "314.mp4", b"a recording")
    put(base / "cropped_aligned" / "139-14-720x480" / "00001.jpg", b"a face")
    put(base / "cropped_aligned_new_50_vids" / "2-30-640x360" / "00002.jpg", b"another face")
    put(base / "lists" / "test.txt", "2-30-640x360\n")
    put(base / "sample.txt", "image_location,valence,arousal\n2-30-640x360/00001.jpg,\n2-30-640x360/00002.jpg,\n")
    return base


@pytest.fixture(autouse=True)
def built_in_tasks() -> Iterator[None]:
    """No test leaves tasks of its own to the next one."""
    yield
    use_tasks([])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=30, help="how many runs the heavy test of kills disturbs")
