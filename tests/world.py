"""A finished run of a small corpus that a test may change in every way that a user may, and what runs did in it."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.densenet342 import DenseNet342
from abaw_pipeline.runtime.paths import journals
from tests.project import SETTINGS, Project

Work = dict[tuple[str, str], int]
"""Units of work (clips, epochs) by stage and by what it was done for."""

_STAGES = {"make media of": "media", "extract": "extract", "train": "train", "predict": "infer"}
_ANNOUNCED = re.compile(
    rf"  (?P<verb>{'|'.join(_STAGES)}) (?P<count>\d+) \w+(?: at most)? "
    r"\((?:media of|feature|training|prediction of) (?P<what>.+)\)"
)


def settings() -> dict[str, Any]:
    """Two features, three experiments (one of two folds), two ensembles; densenet has a weights file."""
    raw = copy.deepcopy(SETTINGS)
    del raw["datasets"]["demo"]["generate"]
    raw["features"]["densenet"]["weights"] = {"source": "file", "path": "weights.pth"}
    raw["experiments"]["sound"] = copy.deepcopy(raw["experiments"]["both"]) | {"features": ["fbank"]}
    raw["ensembles"]["ears"] = {"task": "va", "members": ["sound"]}
    return raw


@dataclass
class World:
    """The project and its settings; ``told`` is how much of each journal was counted already."""

    project: Project
    raw: dict[str, Any] = field(default_factory=settings)
    told: Counter[Path] = field(default_factory=Counter)

    @classmethod
    def make(cls, root: Path) -> World:
        world = cls(Project.copy(root, settings()))
        write_corpus(world.data, 8, 3, seconds=(1.0, 1.6))
        world.write_weights(0)
        world.run()
        world.work()
        return world

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def data(self) -> Path:
        return self.root / "data/demo"

    @property
    def results(self) -> Path:
        return self.root / "results/demo"

    def write_weights(self, seed: int) -> None:
        network = load_weights(DenseNet342(), RandomWeights(source="random", seed=seed), DenseNet342.INPUT)
        torch.save(network.state_dict(), self.root / "weights.pth")

    def set(self, **sections: Any) -> None:
        """Merge into the settings, section by section, and write them."""
        for name, value in sections.items():
            self.raw[name] = _merged(self.raw.get(name), value)
        self.project.settings(self.raw)

    def run(self, *more: str) -> str:
        done = self.project.run("snakemake", "--cores", "2", *more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def abaw(self, *words: str) -> str:
        done = self.project.run("abaw", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def work(self) -> Work:
        """What was done since the last call, by the journals; fused clips and written files are not counted."""
        found: Counter[tuple[str, str]] = Counter()
        for path in sorted(journals(self.results.parent).glob("*/*.jsonl")):
            stage, job = path.parent.name, path.stem.removeprefix("demo-")
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            about = {"media": "", "extract": job.rpartition("-")[0]}.get(stage, job.split("-")[0])
            if stage in ("media", "extract", "train", "infer"):
                found[stage, about] += sum("did" in line for line in lines[self.told[path] :])
            self.told[path] = len(lines)
        return {what: count for what, count in found.items() if count}

    def announced(self) -> Work:
        """What ``abaw why`` says would run for all ensembles together."""
        found: dict[tuple[str, str, str], int] = {}
        for name in [*self.raw["ensembles"], *self.raw["experiments"]]:
            for line in self.abaw("why", "--all", name).splitlines():
                if match := _ANNOUNCED.fullmatch(line):
                    stage, about = _STAGES[match["verb"]], match["what"].split()
                    key = "" if stage == "media" else about[0].split("/")[0]
                    found[stage, key, match["what"]] = int(match["count"])
        summed: Counter[tuple[str, str]] = Counter()
        for (stage, key, _), count in found.items():
            summed[stage, key] += count
        return dict(summed)

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace the first ``old`` in a module of the project's own copy of the package."""
        path = self.root / "abaw_pipeline" / module
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    # clips

    def clips(self, split: str) -> list[str]:
        """Clips of a split, by the folders of the data set alone."""
        if split == "test":
            path = self.data / "names_of_videos_in_each_test_set/va_test_set_release.txt"
            return sorted(path.read_text().split())
        folder = {"train": "Train_Set", "val": "Validation_Set"}[split]
        return sorted(path.stem for path in (self.data / "VA_Estimation_Challenge" / folder).glob("*.txt"))

    def all_clips(self) -> int:
        return sum(len(self.clips(split)) for split in ("train", "val", "test"))

    def copy_clip(self, clip: str, new: str) -> None:
        """The recording, crops and label file of ``clip`` again, under another name."""
        for path in [*self.data.glob(f"batch*/{clip}.*"), *self.data.glob(f"VA_*/*/{clip}.txt")]:
            shutil.copy(path, path.with_name(new + path.suffix))
        shutil.copytree(self.data / "cropped_aligned" / clip, self.data / "cropped_aligned" / new)

    def remove_clip(self, clip: str) -> None:
        for path in [*self.data.glob(f"batch*/{clip}.*"), *self.data.glob(f"VA_*/*/{clip}.txt")]:
            path.unlink()
        shutil.rmtree(self.data / "cropped_aligned" / clip)

    def rows_of(self, clip: str, other: str | None = None) -> None:
        """Take a clip's rows out of test list and sample; or add rows of ``other`` like those of ``clip``."""
        for path in (
            self.data / "names_of_videos_in_each_test_set/va_test_set_release.txt",
            self.data / "sample_submission/va.txt",
        ):
            lines = path.read_text().splitlines()
            own = [line for line in lines if line == clip or line.startswith(f"{clip}/")]
            if other is None:
                lines = [line for line in lines if line not in own]
            else:
                lines += [line.replace(clip, other, 1) for line in own]
            path.write_text("\n".join(lines) + "\n")

    # what work is expected

    def extracted(self, *features: str, clips: int | None = None) -> Work:
        return {("extract", name): self.all_clips() if clips is None else clips for name in features}

    def trained(self, *experiments: str) -> Work:
        folds = {name: self.raw["experiments"][name]["folds"].get("k", 1) for name in experiments}
        return {("train", name): folds[name] * self.raw["experiments"][name]["epochs"] for name in experiments}

    def predicted(self, *experiments: str, tests: int | None = None) -> Work:
        """Held-out clips once, test clips by every fold; or ``tests`` test clips by every fold."""
        found = {}
        for name in experiments:
            folds = self.raw["experiments"][name]["folds"].get("k", 1)
            held_out = len(self.clips("val")) + (len(self.clips("train")) if folds > 1 else 0)
            every = held_out + folds * len(self.clips("test"))
            found["infer", name] = every if tests is None else folds * tests
        return found

    def predicted_by_folds_that_learn(self, experiment: str, clip: str) -> int:
        """Clips that the models of the folds predict which train on ``clip``."""
        cards = [json.loads(path.read_text()) for path in self.results.glob(f"models/{experiment}/*/model.json")]
        learning = [card for card in cards if clip in card["train"]]
        assert 0 < len(learning) < len(cards)
        return sum(len(card["validation"]) + len(self.clips("test")) for card in learning)

    def learned(self, *experiments: str) -> Work:
        """Trained, and predicted where an ensemble asks for it."""
        return self.trained(*experiments) | self.predicted(*(name for name in experiments if name in self.fused()))

    def using(self, feature: str | None = None) -> list[str]:
        """Experiments that read a feature; all of them without one."""
        everything = self.raw["experiments"].items()
        return [name for name, experiment in everything if feature is None or feature in experiment["features"]]

    def fused(self) -> set[str]:
        return {member for ensemble in self.raw["ensembles"].values() for member in ensemble["members"]}


def _merged(before: Any, after: Any) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {key: _merged(before.get(key), value) for key, value in after.items()}
    return after
