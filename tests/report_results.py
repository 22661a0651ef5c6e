"""What a finished run leaves for the report, made up: a small data set, trained models, ensembles, media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from abaw_pipeline.datasets.settings import Affwild2Settings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.files import write_json
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse
from abaw_pipeline.tasks import TASKS, Task
from abaw_pipeline.training.card import CARD, HISTORY, Card, SnapshotNote
from abaw_pipeline.training.history import Epoch
from abaw_pipeline.training.model_store import _write_history
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.types import Skipped

ROWS = {"train": 60, "held_out": 50, "tested": 40, "also_tested": 30}
ROLES = {"held_out": "val", "tested": "test", "also_tested": "test"}
RNG = np.random.default_rng(0)

Labels = dict[str, dict[str, np.ndarray]]
"""By task and clip."""


def curve(rows: int, columns: int = 2) -> np.ndarray:
    """Smooth curves in [-1, 1], ``(rows, columns)``."""
    rates = RNG.uniform(7, 11, columns)
    return np.sin(np.arange(rows)[:, None] / rates + RNG.uniform(0, 6, columns)) * 0.8


def truth_of(task: Task, rows: int) -> np.ndarray:
    """Label rows ``(rows, W)`` that change slowly; one where a clip has only one."""
    curves = curve(1 if task.level == "clip" else rows, len(task.columns))
    made = {
        "values": curves,
        "class": curves.argmax(1)[:, None],
        "labels": curves > 0.3,
        "intensities": (curves + 1) / 2,
    }
    return made[task.kind].astype(float)


def predicted_of(task: Task, truth: np.ndarray) -> np.ndarray:
    """The labels with noise, as a model would predict them, ``(n, C)`` float32."""
    wanted = truth == np.arange(len(task.columns)) if task.kind == "class" else truth
    low = -1 if task.kind == "values" else 0
    noisy = np.clip(wanted + RNG.normal(0, 0.2, wanted.shape), low, 1)
    if task.kind == "class":
        noisy = (noisy + 0.02) / (noisy + 0.02).sum(axis=1, keepdims=True)
    return noisy.astype(np.float32)


def label_file(path: Path, values: np.ndarray, task: Task = TASKS["va"]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(",".join(f"{value:g}" for value in row) for row in np.round(values, 4))
    path.write_text(f"{task.header}\n{rows}\n")


def data_set(root: Path, tasks: Sequence[str] = ("va",), rows: Mapping[str, int] = ROWS) -> Labels:
    """A small data set on disk; returns its labels, hidden ones included."""
    labels: Labels = {name: {clip: truth_of(TASKS[name], n) for clip, n in rows.items()} for name in tasks}
    for name, clips in labels.items():
        task = TASKS[name]
        clips["held_out"][10:15] = task.missing
        sets = {"train": f"{task.folders[0]}/Train_Set", "held_out": f"{task.folders[0]}/Validation_Set"}
        for clip, values in clips.items():
            label_file(root / sets.get(clip, f"truth/{name}") / f"{clip}.txt", values, task)
    for clip in rows:
        (root / "cropped_aligned" / clip).mkdir(parents=True)
        (root / "cropped_aligned" / clip / "00001.jpg").write_bytes(clip.encode())
    (root / "list.txt").write_text("tested\nalso_tested\n")
    return labels


def affwild2(root: Path, tasks: Sequence[str] = ("va",)) -> Affwild2Settings:
    """Settings of that data set: as if it were generated, with its hidden truth."""
    raw = {
        "adapter": "affwild2",
        "root": str(root),
        "truth": "truth",
        "tasks": list(tasks),
        "test_lists": dict.fromkeys(tasks, "list.txt"),
        "generate": {"clips": 6, "seed": 0},
    }
    return parse(Affwild2Settings, raw, "config.yaml")


def experiment(**more: object) -> ExperimentSettings:
    raw = {"dataset": "demo", "features": ["densenet", "egemaps"], "encoder": {"name": "gru"}, "seeds": [0, 1]}
    return parse(ExperimentSettings, {**raw, **({} if "tasks" in more else {"task": "va"}), **more}, "config.yaml")


def scores_of(task: str, mean: float) -> dict[str, float]:
    """Scores around a mean, one per column."""
    spread = np.linspace(0.1, -0.1, len(TASKS[task].columns)).tolist()
    return {"mean": mean} | {column: mean + more for column, more in zip(TASKS[task].columns, spread, strict=True)}


def trained(
    layout: Layout, name: str, fold: str, seed: int, settings: ExperimentSettings, means: Mapping[str, float]
) -> None:
    """What a training of three epochs leaves behind, the second of which predicts; ``means``: none without scores."""
    home = layout.model(name, fold, seed)
    home.mkdir(parents=True)
    metrics = {task: scores_of(task, mean) for task, mean in means.items()}
    card = Card(
        key=f"{name}{fold}{seed}".ljust(64, "0"),
        recipe="",
        code="",
        modules={},
        data={},
        content="",
        experiment=name,
        dataset=layout.dataset,
        tasks=list(settings.targets),
        fold=fold,
        seed=seed,
        settings=settings,
        features=[FeatureNote("densenet", "", 342, "visual", True)],
        train=["train"],
        validation=["held_out"],
        snapshots=[SnapshotNote(2, None)],
        epochs=3,
        score=sum(means.values()) if means else None,
        metrics=metrics,
        notes=["held_out: 1 row took the last frame"],
        skipped=[],
        versions={"torch": "2.13"},
        device="cpu",
        threads=1,
    )
    write_json(home / CARD, card.as_json())
    _write_history(home / HISTORY, [_epoch(number, settings, means) for number in (1, 2, 3)])


def _epoch(number: int, settings: ExperimentSettings, means: Mapping[str, float]) -> Epoch:
    share = {1: 0.2, 2: 1.0, 3: 0.8}[number]
    scores = {task: scores_of(task, mean * share) for task, mean in means.items()}
    losses = {task: (1 + place) / number for place, task in enumerate(settings.targets)}
    score = share * sum(means.values()) if means else None
    return Epoch(number, sum(losses.values()), losses, score, scores, 0.1 / number)


def feature(layout: Layout, name: str, random: bool, **more: object) -> None:
    about = {
        "feature": name,
        "key": name.ljust(64, "0"),
        "extractor": name,
        "random_weights": random,
        "spec": {"modality": "visual", "dimension": 342},
        **more,
    }
    Manifest(about, skipped=[Skipped("train", f"extract {name}", "no face & no <sound>")]).write(
        layout.feature_manifest(name)
    )


def fused(
    layout: Layout, clips: Mapping[str, np.ndarray], name: str = "mean", task: str = "va"
) -> dict[str, np.ndarray]:
    """An ensemble whose predictions are its labels with noise; the last two frames of ``tested`` are not predicted."""
    store = ArrayStore(layout.ensemble(name), "abaw ensemble")
    about = {
        "ensemble": name,
        "task": task,
        "models": ["a/official-0", "a/official-1"],
        "random_features": ["densenet"],
        "scores": {"val": {**scores_of(task, 0.61), "frames": 45, "clips": 1}},
    }
    manifest = Manifest(about)
    predicted = {}
    for clip, role in ROLES.items():
        noisy = predicted_of(TASKS[task], clips[clip])
        predicted[clip] = noisy[:-2] if clip == "tested" and len(noisy) > 2 else noisy
        content = store.write_arrays(clip, {task: predicted[clip]}, "key", {})
        manifest.clips[clip] = {"key": "key", "content": content, "role": role}
    manifest.write(layout.ensemble_manifest(name))
    return predicted


def media(layout: Layout, clip: str, frames: int) -> None:
    """A clip at 10 frames a second, a face from the third frame on, sound from 0.2 to 0.4 s."""
    for path, arrays, about in (
        (layout.clock(clip), {"times": np.arange(frames) / 10}, {}),
        (
            layout.faces(clip),
            {"valid": np.arange(frames) >= 2, "jpeg": np.zeros(0, np.uint8), "offsets": np.zeros(frames + 1, np.int64)},
            {"aligned": "official"},
        ),
        (
            layout.sound(clip),
            {"samples": np.zeros(9600, np.float32), "heard": np.int64([[4800, 8000]])},
            {"start_s": -0.1, "present": True},
        ),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
            file.attrs.update({"key": "key", "content": "content", "notes": "[]", **about})
