"""Is what is learnt real? The shipped ensemble on the hidden truth of the built-in corpus, against shuffled labels.

Run after `make demo`. For each of five shuffles the labels of the training and validation clips change places between
clips (stretched to their new length), every member is trained again on them, and the fused predictions are scored on
the same hidden truth. Beside it: sound alone on arousal and pictures alone on valence, each against its shuffles.

    python benchmarks/learning.py [--shuffles 5]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from exchanged import relabelled

from abaw_pipeline.config import Config
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.report.truth import read_truth, score
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.settings_file import load
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.train import train

TASK = TASKS["va"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shuffles", type=int, default=5)
    parser.add_argument("--ensemble", default="va")
    arguments = parser.parse_args()
    config = load(Path("config.yaml"))
    both = {name: config.experiments[name] for name in config.below(arguments.ensemble)}
    rows = {
        "ensemble, mean": (both, 2),
        "sound alone, arousal": ({"sound": _only(config, both, "audio")}, 1),
        "pictures alone, valence": ({"pictures": _only(config, both, "visual")}, 0),
    }
    print(f"{'CCC on the hidden truth of the test clips':<44}{'true labels':>12}   shuffled labels (mean; each)")
    for title, (members, column) in rows.items():
        true = _score(config, members, None)[column]
        runs = progress(range(arguments.shuffles), title, unit="shuffle")
        shuffled = [_score(config, members, seed)[column] for seed in runs]
        each = " ".join(f"{value:+.3f}" for value in shuffled)
        print(f"{title:<44}{true:>12.3f}   {np.mean(shuffled):+.3f}; {each}")


def _only(config: Config, members: Mapping[str, ExperimentSettings], modality: str) -> ExperimentSettings:
    """The first member's settings with every feature of one modality and no other."""
    used = dict.fromkeys(name for member in members.values() for name in member.features)
    features = [name for name in used if config.plan(name).spec.modality == modality]
    return next(iter(members.values())).model_copy(update={"features": features})


def _score(config: Config, members: Mapping[str, ExperimentSettings], shuffle: int | None) -> tuple[float, ...]:
    """(valence, arousal, mean) CCC of the fused members on the hidden truth."""
    dataset = str(next(iter(members.values())).dataset)
    with tempfile.TemporaryDirectory() as folder:
        layout = relabelled(Layout(Path(config.results), dataset), Path(folder), [TASK.name], shuffle)
        for name, settings in members.items():
            for fold in fold_names(settings):
                for seed in settings.seeds:
                    train(name, settings, fold, seed, layout)
                    infer(name, settings, fold, seed, layout, layout)
        blend("all", EnsembleSettings(members=list(members)), members, layout)
        return hidden_scores(config, layout, "all")


def hidden_scores(config: Config, layout: Layout, ensemble: str) -> tuple[float, ...]:
    """(valence, arousal, mean) CCC of an ensemble on the hidden truth of the test clips."""
    dataset, store = layout.dataset, ArrayStore(layout.ensemble(ensemble), "")
    truth = read_truth(dataset, config.datasets[dataset], TASK.name)
    found = score(truth, lambda clip: store.read_arrays(clip)[TASK.name], TASK.name)
    if found is None:
        raise SystemExit(f"datasets.{dataset}: no hidden truth")
    return tuple(found[name] for name in (*TASK.columns, "mean"))


if __name__ == "__main__":
    main()
