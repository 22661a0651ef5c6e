"""What helps after training? Single best, mean, greedy and stacked, each with and without smoothing, over five seeds.

Run after `make demo`. For each seed the members are trained anew in three folds each, folds and weights by that seed;
what is chosen (the best, the subset, sigma) is chosen out of fold. The second stage is trained on the members' scores.
Everything is scored out of fold, where a choice flatters itself, and on the hidden truth of the test clips, by which
the last column goes: the gain over the single best, for smoothing over the same without, and in how many seeds.

    python benchmarks/ensembles.py [--seeds 5] [--epochs 10] [--members 'va_*_gru' 'va_*_transformer']
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exchanged import relabelled
from learning import TASK, hidden_scores

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.settings_file import load
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.train import train

WAYS: dict[str, dict[str, Any]] = {
    "single best": {"method": "greedy", "rounds": 1, "by": "task"},
    "mean": {},
    "greedy": {"method": "greedy"},
    "stacked": {},
}
SMOOTHED = (False, True)
SECOND: dict[str, Any] = {
    "task": TASK.name,
    "features": ["scores"],
    "encoder": {"name": "gru", "hidden": 32},
    "optimiser": {"name": "adam", "lr": 1e-3, "weight_decay": 1e-4},
    "segment": 150,
    "batch": 8,
}
Members = dict[str, ExperimentSettings]
Scores = dict[tuple[str, bool], tuple[float, float]]
"""Out of fold and on the hidden truth, by way and whether it is smoothed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--members", nargs="+", default=["va_*_gru", "va_*_transformer"])
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = load(arguments.config)
    members = {name: config.experiments[name] for name in config.matching(arguments.members)}
    runs = progress(range(arguments.seeds), "ensembles", unit="seed")
    print("\n".join(table([scores(config, members, seed, arguments.epochs) for seed in runs])))


def scores(config: Config, members: Mapping[str, ExperimentSettings], seed: int, epochs: int) -> Scores:
    """Train everything by one seed, fuse in every way."""
    dataset = str(next(iter(members.values())).dataset)
    with tempfile.TemporaryDirectory() as folder:
        layout = relabelled(Layout(Path(config.results), dataset), Path(folder), [TASK.name], None)
        first = {name: _folded(one, seed, place, epochs) for place, (name, one) in enumerate(members.items())}
        _run(first, layout)
        _stack(first, layout)
        second = {"second": _folded(ExperimentSettings.model_validate(SECOND), seed, len(first), epochs)}
        _run(second, layout)
        return {
            (way, smoothed): _score(config, layout, way, smoothed, second if way == "stacked" else first)
            for way in WAYS
            for smoothed in SMOOTHED
        }


def _folded(settings: ExperimentSettings, seed: int, place: int, epochs: int) -> ExperimentSettings:
    """Three folds of its own over training and validation clips."""
    folds = {"name": "kfold", "k": 3, "seed": 100 * seed + place}
    raw = settings.model_dump(mode="json", exclude_unset=True)
    return ExperimentSettings.model_validate({**raw, "folds": folds, "seeds": [seed], "epochs": epochs})


def _run(experiments: Members, layout: Layout) -> None:
    for name, settings in experiments.items():
        for fold in fold_names(settings):
            train(name, settings, fold, settings.seeds[0], layout)
            infer(name, settings, fold, settings.seeds[0], layout, layout)


def _stack(first: Members, layout: Layout) -> None:
    """The feature of the second stage: every member's scores."""
    models = {name: [f"{fold}-{one.seeds[0]}" for fold in fold_names(one)] for name, one in first.items()}
    raw = {"extractor": "stack", "task": TASK.name, "experiments": list(first), "models": models}
    plan = plan_feature("scores", Stack.Settings.model_validate(raw), False, None)
    extract(plan, read_clips(layout), layout).write(layout.feature_manifest("scores"))


def _score(config: Config, layout: Layout, way: str, smoothed: bool, members: Members) -> tuple[float, float]:
    raw = {"members": list(members), **WAYS[way], **({"smooth": {"name": "gaussian"}} if smoothed else {})}
    name = way.replace(" ", "_") + "_smoothed" * smoothed
    made = blend(name, EnsembleSettings.model_validate(raw), members, layout)
    return made.about["scores"]["val"]["mean"], hidden_scores(config, layout, name)[-1]


def table(found: Sequence[Scores]) -> list[str]:
    """A line per way, with what it gains."""
    lines = [
        f"{'CCC, mean and deviation over seeds':<36}{'out of fold':>15}{'hidden truth':>15}   gain on hidden truth"
    ]
    for way in WAYS:
        for smoothed in SMOOTHED:
            values = np.array([one[way, smoothed] for one in found])
            base, of = ((way, False), "the same without") if smoothed else (("single best", False), "single best")
            each = [
                f"{mean:.3f} ± {dev:.3f}" for mean, dev in zip(values.mean(axis=0), values.std(axis=0), strict=True)
            ]
            title = way + ", smoothed" * smoothed
            told = "" if base == (way, smoothed) else gain(values[:, 1] - [one[base][1] for one in found], of)
            lines.append(f"{title:<36}{each[0]:>15}{each[1]:>15}   {told}")
    return lines


def gain(differences: np.ndarray, base: str) -> str:
    """What a way gains over another, seed by seed; it helps where it does on average and in most seeds."""
    better = int((differences > 0).sum())
    verdict = "helps" if differences.mean() > 0 and 2 * better > len(differences) else "does not help"
    return f"{differences.mean():+.3f} over {base}, better in {better} of {len(differences)}: {verdict}"


if __name__ == "__main__":
    main()
