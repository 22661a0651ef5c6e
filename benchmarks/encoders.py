"""Does everything learn? Every encoder x fusion and every framework on the hidden truth of the built-in corpus.

One small training of valence and arousal, expressions and action units together per cell, scored on the test clips,
whose truth no training sees; beside each score the mean of the same training on labels that changed places between
clips (``exchanged.py``). The corpus and its features are made first, by the workflow, where they are not there yet.

    python benchmarks/encoders.py [--folder results/encoders] [--shuffles 2] [--only tcn]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import yaml
from cells import FEATURES, TASKS, Cell, framework_cells, fusion_cells
from exchanged import relabelled

from abaw_pipeline.config import Config
from abaw_pipeline.report.truth import read_truth, score
from abaw_pipeline.runtime.device import use_threads
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.settings_file import load
from abaw_pipeline.training.model_store import load_model
from abaw_pipeline.training.sources import Sources
from abaw_pipeline.training.targets import parts
from abaw_pipeline.training.train import train

ROOT = Path(__file__).resolve().parents[1]
DATASET = "demo"
LEAST, ABOVE_SHUFFLED = 0.35, 0.25
"""Mean CCC that a cell must reach, and its distance from the mean of its shuffled runs."""


def corpus(folder: Path) -> Config:
    """The shipped corpus with the labels of all tasks, and its features, under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    for section in ("grids", "experiments", "ensembles"):
        raw.pop(section)
    raw["datasets"][DATASET] |= {"root": str(folder / "data"), "tasks": list(TASKS), "test_lists": {}, "samples": {}}
    raw |= {"results": str(folder / "results"), "features": {name: raw["features"][name] for name in FEATURES}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(raw))
    targets = [Layout(folder / "results", DATASET).feature_manifest(name) for name in FEATURES]
    places = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", path]
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2", *places]
    subprocess.run(list(map(str, command)), env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return load(path)


@dataclass(frozen=True)
class Learnt:
    """Scores of one training on the hidden truth, by task; parameters; processor seconds of the training."""

    scores: dict[str, float]
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Row:
    """A cell with what its training learnt, and each of its shuffled runs."""

    cell: Cell
    true: Learnt
    shuffled: list[Learnt]

    def chance(self, task: str) -> float:
        """Mean score of the shuffled runs."""
        return float(np.mean([one.scores[task] for one in self.shuffled]))

    @property
    def learns(self) -> bool:
        ccc = self.true.scores["va"]
        return ccc >= LEAST and ccc >= self.chance("va") + ABOVE_SHUFFLED


def learnt(cells: Sequence[Cell], config: Config, shuffles: int) -> Iterator[Row]:
    """Train every cell on the true labels and on ``shuffles`` exchanges of them, in two processes."""
    source = Layout(Path(config.results), DATASET)
    seeds = [None, *range(shuffles)]
    with tempfile.TemporaryDirectory() as folder:
        layouts = [relabelled(source, Path(folder) / str(seed), TASKS, seed) for seed in seeds]
        with ProcessPoolExecutor(2, get_context("spawn"), _begin) as pool:
            jobs = [[pool.submit(_trained, cell, config, layout) for layout in layouts] for cell in cells]
            try:
                for cell, runs in progress(zip(cells, jobs, strict=True), "train", "cell", len(cells)):
                    true, *shuffled = [run.result() for run in runs]
                    yield Row(cell, true, shuffled)
            finally:
                pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """A thread to each process; and what the first optimiser of a process imports shall be no cell's seconds."""
    use_threads(1)
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def _trained(cell: Cell, config: Config, layout: Layout) -> Learnt:
    """Train on the labels in ``layout`` and score on the hidden truth of the test clips."""
    began = time.process_time()
    train(cell.name, cell.settings, "official", 0, layout)
    took = time.process_time() - began
    model = load_model(layout.model(cell.name, "official", 0))
    sources = Sources(layout, cell.settings.features)
    truth = {task: read_truth(DATASET, config.datasets[DATASET], task) for task in TASKS}
    made = {
        clip: model.predict(dict(zip(sources.names, sources.read(clip), strict=True)), clip)
        for clip in sources.usable(set().union(*truth.values()), "infer")[0]
    }
    scores = {task: _score(rows, made, task) for task, rows in truth.items()}
    return Learnt(scores, sum(values.numel() for values in model.networks[0].network.parameters()), took)


def _score(truth: Mapping[str, np.ndarray], made: Mapping[str, Mapping[str, np.ndarray]], task: str) -> float:
    found = score(truth, lambda clip: made[clip][task] if clip in made else None, task)
    if found is None:
        raise ValueError(f"no hidden truth of '{task}' to score on")
    return float(found["mean"])


def heading(column: str) -> str:
    """The line above a table; ``column``: what its second column lists."""
    scores = "  ".join(f"{title:<15}" for title in ("VA CCC", "EXPR F1", "AU F1"))
    return f"{'encoder':<26} {column:<20} {scores} parameters       s     rate"


def shown(row: Row) -> str:
    """One line of a table: the scores, those of the shuffled runs in brackets."""
    scores = [f"{row.true.scores[task]:6.3f} ({row.chance(task):+.3f})" for task in TASKS]
    size = f"{row.true.parameters:>10,} {row.true.seconds:7.1f} {row.cell.settings.optimiser.lr:8.0e}"
    fails = "" if row.learns else "  FAILS"
    return f"{row.cell.row:<26} {row.cell.column:<20} {'  '.join(scores)} {size}{fails}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--folder", type=Path, default=ROOT / "results" / "encoders")
    words.add_argument("--shuffles", type=int, default=2)
    words.add_argument("--only", default="", help="cells with this in their name")
    given = words.parse_args()
    config = corpus(given.folder.resolve())
    features = Sources(Layout(Path(config.results), DATASET), FEATURES).notes
    cells, refused = fusion_cells(parts(features))
    fails = 0
    for column, table in (("fusion", cells), ("framework", framework_cells())):
        print(heading(column))
        for row in learnt([cell for cell in table if given.only in cell.name], config, given.shuffles):
            print(shown(row), flush=True)
            fails += not row.learns
    print("Not made:", *refused, sep="\n  ")
    sys.exit(f"{fails} cells do not learn" if fails else 0)


if __name__ == "__main__":
    main()
