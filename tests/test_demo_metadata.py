"""Names, durations, rates and sizes of the built-in corpus tell nothing about its labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.demo.cast import Recording, plan
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.demo.performance import perform


def metadata(recordings: list[Recording], sizes: dict[str, int]) -> np.ndarray:
    return np.array(
        [
            [
                int("".join(filter(str.isdigit, recording.name))[:6]),
                len(clip),
                float(recording.rate),
                recording.seconds,
                recording.batch == "batch1",
                recording.sound == "longer",
                recording.sound == "shorter",
                len(recording.people),
                person.extra_rows,
                sizes.get(recording.name, 0),
            ]
            for recording in recordings
            for person, clip in ((p, p.clip) for p in recording.people)
            if clip is not None
        ],
        float,
    )


def beyond_chance(features: np.ndarray, target: np.ndarray) -> float:
    """Share of permutations of ``target`` that the features explain at least as well (R2 of least squares)."""
    spread = features.std(axis=0)
    columns = np.column_stack([np.ones(len(target)), (features - features.mean(axis=0))[:, spread > 0]])
    basis = np.linalg.svd(columns / np.linalg.norm(columns, axis=0), full_matrices=False)[0]
    rng = np.random.default_rng(0)
    targets = np.stack([target, *(rng.permutation(target) for _ in range(2000))]) - target.mean()
    explained = ((targets @ basis) ** 2).sum(axis=1)
    return float((explained[1:] >= explained[0]).mean())


def clip_means(recordings: list[Recording], seed: int) -> np.ndarray:
    """Mean valence and arousal of every clip."""
    parts = [
        part
        for recording in recordings
        for person, part in zip(recording.people, perform(replace_all_invalid(recording), seed), strict=True)
        if person.clip
    ]
    rows = [part.labels["va"] for part in parts]
    return np.array([values[values[:, 0] != -5].mean(axis=0) for values in rows])


def replace_all_invalid(recording: Recording) -> Recording:
    return replace(recording, people=tuple(replace(person, all_invalid=False) for person in recording.people))


def test_what_is_not_picture_or_sound_tells_nothing() -> None:
    recordings = plan(96, 0)
    means = clip_means(recordings, 0)
    for target in means.T:
        assert 0.025 < beyond_chance(metadata(recordings, {}), target) < 0.975
    leaked = np.column_stack([metadata(recordings, {}), means[:, 0] + 0.01])
    assert beyond_chance(leaked, means[:, 0]) < 0.001  # the test itself can fail


@pytest.mark.slow
def test_file_sizes_tell_nothing(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", 24, 0)
    sizes = {path.stem: path.stat().st_size for path in (tmp_path / "corpus").glob("batch*/*.mp4")}
    recordings = plan(24, 0)
    for target in clip_means(recordings, 0).T:
        assert 0.025 < beyond_chance(metadata(recordings, sizes), target) < 0.975
