"""Submission files in the organisers' format: rows and their order from the sample file, values from an ensemble."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.samples import sample_names, split_name
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import THRESHOLD
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.files import atomic, read_json, write_json
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest, file_digest, settings_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.submission.provenance import git_commit, model_keys, versions
from abaw_pipeline.submission.rows import LACKING, PAST_THE_END, Rows, collect, fill
from abaw_pipeline.submission.settings import SubmissionSettings
from abaw_pipeline.tasks import TASKS, Kind, Task
from abaw_pipeline.tracks import TRACKS


def write_submission(
    layout: Layout, ensemble: str, task: str, settings: SubmissionSettings, journal: Journal = NO_JOURNAL
) -> Path:
    """Write the submission file of an ensemble, and beside it ``<task>.provenance.json``.

    Values are clipped to [-1, 1]; of classes the most probable one is written, units are present from a probability of
    0.5 on. Nothing is written when the file and its provenance are already made of the same
    predictions, sample and settings.

    Returns:
        the path of the file.

    Raises:
        ValueError: no sample file, no or stale predictions, rows without a prediction that ``settings.fill`` does
            not say how to fill, or a file that the linter would refuse.
    """
    written = [name for name, one in TASKS.items() if name in TRACKS and one.kind in _TEXTS]
    if task not in written:
        raise ValueError(f"no submission writer for task '{task}' yet; there are those for {', '.join(written)}")
    sample = layout.sample(task)
    if not sample.is_file():
        raise ValueError(f"{sample}: no sample file; set datasets.{layout.dataset}.samples.{task} and run 'abaw index'")
    made_by = f"abaw ensemble {ensemble} --dataset {layout.dataset}"
    manifest = Manifest.read(layout.ensemble_manifest(ensemble), made_by)
    path = layout.submission(ensemble, task)
    key = submission_key(manifest, sample, task, settings)
    if is_made(path, key):
        os.utime(path)
        return path
    journal.begin(1)
    names = list(sample_names(sample, TRACKS[task]))
    wanted = [split_name(name, sample, line) for line, name in enumerate(names, start=2)]
    predictions = _reader(ArrayStore(layout.ensemble(ensemble), made_by), manifest, task)
    rows = collect(wanted, len(TASKS[task].columns), predictions)
    provenance = _provenance(layout, manifest, rows, settings)
    _write(path, names, fill(rows, settings.fill), TASKS[task], settings.decimals, sample)
    write_json(provenance_path(path), {**provenance, "key": key, "content": file_digest(path)})
    journal.did(path.name, len(names))
    journal.end()
    return path


def provenance_path(submission: Path) -> Path:
    """``va.provenance.json`` beside ``va.txt``."""
    return submission.with_name(f"{submission.stem}.provenance.json")


def submission_key(manifest: Manifest, sample: Path, task: str, settings: SubmissionSettings) -> str:
    """Key of a submission file; ``manifest`` is its ensemble's."""
    code = code_digest("submission.write")
    return digest([_ensemble_key(manifest), file_digest(sample), task, settings_digest(settings), code])


def is_made(path: Path, key: str) -> bool:
    """Whether a submission file of this key is there, as it was written."""
    provenance = provenance_path(path)
    if not (path.is_file() and provenance.is_file()):
        return False
    known = read_json(provenance, "abaw submit")
    return known.get("key") == key and known.get("content") == file_digest(path)


def _reader(store: ArrayStore, manifest: Manifest, task: str) -> Callable[[str], np.ndarray | None]:
    """Predictions of a clip by id; ``None`` where the ensemble has none."""

    def read(clip: str) -> np.ndarray | None:
        if clip not in manifest.clips:
            return None
        return store.read_arrays(clip, manifest.clips[clip].get("key")).get(task)

    return read


def _write(path: Path, names: list[str], values: np.ndarray, task: Task, decimals: int, sample: Path) -> None:
    """Write and check; a file that the linter refuses never gets its final name."""
    texts = _TEXTS[task.kind](values, decimals)
    with atomic(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{TRACKS[task.name].header}\n")
            stream.writelines(f"{name},{text}\n" for name, text in zip(names, texts, strict=True))
        offences = lint(task.name, temporary, sample)
        if offences:
            raise ValueError(f"{path}: not written, line {offences[0].line} would be wrong: {offences[0].message}")


def _values(values: np.ndarray, decimals: int) -> list[str]:
    """Numbers in [-1, 1] with a fixed number of decimals; adding 0 turns -0 into 0."""
    rounded = np.round(np.clip(values, -1, 1), decimals) + 0.0
    return [",".join(f"{value:.{decimals}f}" for value in row) for row in rounded]


def _classes(probabilities: np.ndarray, _: int) -> list[str]:
    """The number of the most probable class, the first of equally probable ones."""
    return [str(number) for number in probabilities.argmax(axis=1)]


def _labels(probabilities: np.ndarray, _: int) -> list[str]:
    return [",".join(map(str, row)) for row in (probabilities >= THRESHOLD).astype(int)]


_TEXTS: dict[Kind, Callable[[np.ndarray, int], list[str]]] = {"values": _values, "class": _classes, "labels": _labels}
"""Rows of predictions ``(n, columns)`` as the organisers write them, with this many decimals."""


def _provenance(layout: Layout, manifest: Manifest, rows: Rows, settings: SubmissionSettings) -> dict[str, Any]:
    return {
        "ensemble": manifest.about["ensemble"],
        "ensemble_key": _ensemble_key(manifest),
        "models": model_keys(layout, manifest),
        "random_features": manifest.about["random_features"],
        "scores": manifest.about["scores"],
        "versions": versions(),
        "commit": git_commit(),
        "rows": len(rows.clips),
        "fill": settings.fill,
        "filled": rows.count(LACKING),
        "took_the_last_frame": rows.count(PAST_THE_END),
    }


def _ensemble_key(manifest: Manifest) -> str:
    return digest([manifest.about, {clip: entry["content"] for clip, entry in manifest.clips.items()}])
