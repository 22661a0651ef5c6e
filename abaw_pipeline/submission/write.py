"""Submission files in the organisers' format: rows and their order from the sample file, values from ensembles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from abaw_pipeline.datasets.samples import known_clip, sample_names, split_row
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.code import code_digest
from abaw_pipeline.runtime.files import atomic, read_json, write_json
from abaw_pipeline.runtime.journal import NO_JOURNAL, Journal
from abaw_pipeline.runtime.keys import digest, file_digest, settings_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.lint import lint
from abaw_pipeline.submission.packing import has_files_per_video, video_files, write_zip, zip_path
from abaw_pipeline.submission.provenance import ensemble_key, provenance
from abaw_pipeline.submission.rows import collect, fill
from abaw_pipeline.submission.settings import SubmissionSettings
from abaw_pipeline.submission.texts import in_words, row_texts
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.tracks import TRACKS

Fused = Mapping[str, Manifest]
"""By task, the manifest of the ensemble that predicts it."""


def write_submission(
    layout: Layout,
    asked: Asked,
    settings: SubmissionSettings,
    made_with: Mapping[str, Any] | None = None,
    journal: Journal = NO_JOURNAL,
) -> Path:
    """Write a submission file, beside it ``<track>.zip``, ready to send, and ``<track>.provenance.json``.

    Numbers are clipped to the range of their task; of classes the most probable one is written, units are present from
    a probability of 0.5 on. Nothing is written when all of it is already made of the same predictions, sample and
    settings.

    Args:
        made_with: settings of what the file is made from, for the provenance alone.

    Returns:
        the path of the file.

    Raises:
        ValueError: no sample file, no or stale predictions, rows without a prediction that ``settings.fill`` does
            not say how to fill, or a file that the linter would refuse.
    """
    track, sample = TRACKS[asked.track], layout.sample(asked.track)
    if not sample.is_file():
        where = f"datasets.{layout.dataset}.samples.{asked.track}"
        raise ValueError(f"{sample}: no sample file; set {where} and run 'abaw index'")
    fused = read_fused(layout, asked)
    path, key = layout.submission(asked.name, asked.track), submission_key(fused, sample, asked.track, settings)
    if is_made(path, key):
        for made in (path, zip_path(path), provenance_path(path)):
            os.utime(made)
        return path
    journal.begin(1)
    names = list(sample_names(sample, track))
    wanted = [split_row(name, track, sample, line) for line, name in enumerate(names, start=2)]
    rows = {
        task: collect(wanted, len(TASKS[task].columns), _reader(layout, ensemble, fused[task], task))
        for task, ensemble in asked.ensembles.items()
    }
    values = {task: fill(one, settings.fill) for task, one in rows.items()}
    texts = row_texts(track, values, settings.decimals)
    _write(path, names, texts, asked.track, sample)
    per_video = settings.per_video and has_files_per_video(track)
    write_zip(zip_path(path), video_files(track, wanted, texts) if per_video else {path.name: path.read_bytes()})
    about = {
        **provenance(layout, asked, fused, rows, settings),
        "written": in_words(track, values, settings.decimals),
        "settings": {"submission": settings.of_each_file.model_dump(mode="json"), **(made_with or {})},
        "key": key,
        "content": _contents(path),
    }
    write_json(provenance_path(path), about)
    journal.did(path.name, len(names))
    journal.end()
    return path


def provenance_path(submission: Path) -> Path:
    """``va.provenance.json`` beside ``va.txt``."""
    return submission.with_name(f"{submission.stem}.provenance.json")


def read_fused(layout: Layout, asked: Asked) -> Fused:
    """Manifests of the ensembles that a submission is made from; ``ValueError`` where one is missing."""
    return {
        task: Manifest.read(layout.ensemble_manifest(ensemble), _made_by(layout, ensemble))
        for task, ensemble in asked.ensembles.items()
    }


def submission_key(fused: Fused, sample: Path, track: str, settings: SubmissionSettings) -> str:
    """Key of a submission file."""
    ensembles = {task: ensemble_key(manifest) for task, manifest in fused.items()}
    code = code_digest("submission.write")
    return digest([ensembles, file_digest(sample), track, settings_digest(settings.of_each_file), code])


def is_made(path: Path, key: str) -> bool:
    """Whether a submission file of this key, and its zip, are there as they were written."""
    there = provenance_path(path)
    if not all(made.is_file() for made in (path, zip_path(path), there)):
        return False
    known = read_json(there, "abaw submit")
    return known.get("key") == key and known.get("content") == _contents(path)


def _contents(path: Path) -> dict[str, str]:
    return {made.name: file_digest(made) for made in (path, zip_path(path))}


def _made_by(layout: Layout, ensemble: str) -> str:
    return f"abaw ensemble {ensemble} --dataset {layout.dataset}"


def _reader(layout: Layout, ensemble: str, manifest: Manifest, task: str) -> Callable[[str], np.ndarray | None]:
    """Predictions of a clip by id; ``None`` where the ensemble has none."""
    store = ArrayStore(layout.ensemble(ensemble), _made_by(layout, ensemble))

    def read(clip: str) -> np.ndarray | None:
        known = known_clip(clip, manifest.clips)
        return None if known is None else store.read_arrays(known, manifest.clips[known].get("key")).get(task)

    return read


def _write(path: Path, names: Sequence[str], texts: Sequence[str], track: str, sample: Path) -> None:
    """Write and check; a file that the linter refuses never gets its final name."""
    with atomic(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{TRACKS[track].header}\n")
            stream.writelines(f"{name},{text}\n" for name, text in zip(names, texts, strict=True))
        offences = lint(track, temporary, sample)
        if offences:
            raise ValueError(f"{path}: not written, line {offences[0].line} would be wrong: {offences[0].message}")
