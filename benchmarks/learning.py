"""Is what is learnt real? The shipped ensemble on the hidden truth of the built-in corpus, against shuffled labels.

Run after `make demo`. For each of five shuffles the labels of the training and validation clips change places between
clips (stretched to their new length), every member is trained again on them, and the fused predictions are scored on
the same hidden truth. Beside it: sound alone on arousal and pictures alone on valence, each against its shuffles.

    python benchmarks/learning.py [--shuffles 5]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from abaw_pipeline.config import Config, load
from abaw_pipeline.datasets.index import read_clips, read_labels
from abaw_pipeline.datasets.labels import read_label_file
from abaw_pipeline.ensembles.blend import blend
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.metrics import mean_ccc
from abaw_pipeline.runtime.keys import array_digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.infer import infer
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.training.train import train
from abaw_pipeline.types import Clip

TASK = TASKS["va"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shuffles", type=int, default=5)
    parser.add_argument("--ensemble", default="va")
    arguments = parser.parse_args()
    config = load(Path("config.yaml"))
    both = {name: config.experiments[name] for name in config.members(arguments.ensemble)}
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
        layout = _copy(Layout(Path(config.results), dataset), Path(folder), shuffle)
        for name, settings in members.items():
            for fold in fold_names(settings):
                for seed in settings.seeds:
                    train(name, settings, fold, seed, layout)
                    infer(name, settings, fold, seed, layout, layout)
        blend("all", EnsembleSettings(members=list(members)), members, layout)
        truth = Path(config.datasets[dataset].root) / str(config.datasets[dataset].truth)
        return _against(truth, layout)


def _copy(source: Layout, folder: Path, shuffle: int | None) -> Layout:
    """The same features, and labels that are those of other clips."""
    layout = Layout(folder, source.dataset)
    layout.home.mkdir(parents=True)
    (layout.home / "features").symlink_to((source.home / "features").resolve())
    labels = read_labels(source, TASK.name)
    if shuffle is not None:
        labels = _shuffled(labels, read_clips(source), shuffle)
    index = Manifest.read(source.clips, "make demo")
    for clip, values in labels.items():
        index.clips[clip]["labels"][TASK.name]["content"] = array_digest(values)
    index.write(layout.clips)
    layout.labels(TASK.name).parent.mkdir()
    np.savez(layout.labels(TASK.name), **{escape(clip): values for clip, values in labels.items()})
    return layout


def _shuffled(labels: Mapping[str, np.ndarray], clips: Sequence[Clip], seed: int) -> dict[str, np.ndarray]:
    """Every labelled clip takes the labels of one of another recording, stretched to its own number of rows."""
    recordings = {clip.id: clip.recording for clip in clips}
    names = sorted(c.id for c in clips if c.splits.get(TASK.name) in ("train", "val") and c.id in labels)
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(names))
        # A ring over a random order; two people of one recording share their arousal, so they do not swap.
        giver = {names[order[i]]: names[order[i - 1]] for i in range(len(names))}
        if all(recordings[clip] != recordings[other] for clip, other in giver.items()):
            return {clip: _stretched(labels[giver[clip]], len(labels[clip])) for clip in names}


def _stretched(rows: np.ndarray, length: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, length).round().astype(int)]


def _against(truth: Path, layout: Layout) -> tuple[float, ...]:
    store = ArrayStore(layout.ensemble("all"), "")
    wanted, given = [], []
    for path in sorted((truth / TASK.name).glob("*.txt")):
        rows = read_label_file(path, TASK)
        values = store.read_arrays(path.stem)[TASK.name]
        known = np.flatnonzero(TASK.annotated(rows))
        wanted.append(rows[known])
        given.append(values[np.minimum(known, len(values) - 1)])
    mean, columns = mean_ccc(np.concatenate(wanted), np.concatenate(given))
    return (*columns, mean)


if __name__ == "__main__":
    main()
