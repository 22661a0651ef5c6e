"""What training keeps of the speed of a model on one resident batch, and what it gains over a plain DataLoader.

For each model, in one run, on made-up features and labels:
  bound    the same model, loss and optimiser, step after step on one random batch that lies in memory
  ours     epochs of `training/loop.py` on clips in memory, without validation
  plain    the same steps fed by a PyTorch DataLoader whose items are windows of per-clip .npy files
Frames a second each; ratios are medians over rounds in which the three were measured after one another.
Last, how long a corpus of stores takes to load, and the bytes a second.

    python benchmarks/train.py [--seconds 5] [--rounds 3] [--load-gb 2] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a machine where the package is not installed

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.cores import cores
from abaw_pipeline.runtime.device import choose, named, use_threads
from abaw_pipeline.training.aligned import align_labels
from abaw_pipeline.training.labelled import Labelled
from abaw_pipeline.training.loop import fit
from abaw_pipeline.training.resident import Standard
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.sides import load_side
from abaw_pipeline.training.sources import FeatureNote
from abaw_pipeline.training.targets import build_network
from abaw_pipeline.types import FrameTable

BOUND = 0.90
"""Target: share of the resident batch."""
FRAMES, EPOCHS = 1.65e6, 30
"""One paper-sized training: frames an epoch, epochs."""
CLIPS, ALL_FRAMES = 594, 3_000_000
"""Of Aff-Wild2."""

_TRANSFORMER = {"name": "transformer", "width": 1024, "layers": 4, "heads": 4, "feedforward": 1024, "dropout": 0.3}
MODELS: dict[str, tuple[int, int, dict[str, Any]]] = {
    "transformer (affine 1024, 4 layers, 4 heads)": (1024, 16, _TRANSFORMER),
    "gru (width 64)": (1024, 16, {"name": "gru", "hidden": 64}),
}
"""Dimension of the input, batch, encoder."""


def main() -> None:
    options = _options()
    device, threads = choose(options.device), options.threads or cores()
    use_threads(threads)
    print(f"{named(device)}, {threads} threads, torch {torch.__version__}, segment 150, {options.precision}")
    print(f"{'model':<46}{'bound':>10}{'ours':>10}{'share':>7}{'plain':>10}{'times':>7}")
    rows = []
    for name, (dimension, batch, encoder) in MODELS.items():
        rows.append(_row(name, dimension, batch, encoder, options, device))
        print(_line(rows[-1]), flush=True)
        hours = FRAMES * EPOCHS / rows[-1]["ours"] / 3600
        print(f"  one training of {EPOCHS} epochs on {FRAMES / 1e6:.2f} million frames: {hours:.2f} hours")
    loaded = _load(options.load_gb)
    print(loaded["text"])
    for row in rows:
        if row["share"] < BOUND:
            print(f"missed: {row['model']}: {row['share']:.2f} of the resident batch, the target is {BOUND}")
    if options.json:
        about = {"device": named(device), "threads": threads, "torch": torch.__version__}
        options.json.write_text(json.dumps({**about, "models": rows, "load": loaded}, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seconds", type=float, default=5.0, help="what one measurement may take, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load-gb", type=float, default=2.0, help="size of the corpus whose load time is taken")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@dataclass(frozen=True)
class Case:
    """One model on made-up clips of 1,000 frames."""

    settings: ExperimentSettings
    side: Labelled
    standard: Standard
    device: torch.device
    dimension: int

    @property
    def frames(self) -> int:
        return sum(self.side.clips.lengths)

    def network(self) -> torch.nn.Module:
        note = FeatureNote("made_up", "", self.dimension, "visual", True)
        return build_network(self.settings, [note]).to(self.device)


def _row(
    name: str, dimension: int, batch: int, encoder: dict[str, Any], options: argparse.Namespace, device: torch.device
) -> dict[str, Any]:
    settings = ExperimentSettings.model_validate(
        {"task": "va", "features": ["made_up"], "encoder": encoder, "segment": 150, "batch": batch, "epochs": 2}
        | {"folds": "mix", "select": "last", "precision": options.precision, "optimiser": {"name": "adam", "lr": 1e-4}}
    )
    first = _case(settings, dimension, 16, device)
    speed = _bound(first, 2)
    clips = min(CLIPS, max(16, round(speed * options.seconds / 2 / 1000)))
    case, steps = _case(settings, dimension, clips, device), max(2, round(speed * options.seconds / (batch * 150)))
    with tempfile.TemporaryDirectory() as folder:
        files = _files(case, Path(folder))
        rates = [
            {"bound": _bound(case, steps), "ours": _ours(case), "plain": _plain(case, files, steps)}
            for _ in range(options.rounds)
        ]
    means = {what: float(np.median([one[what] for one in rates])) for what in rates[0]}
    share = float(np.median([one["ours"] / one["bound"] for one in rates]))
    times = float(np.median([one["ours"] / one["plain"] for one in rates]))
    return {"model": name, **means, "share": share, "times": times, "clips": clips}


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['model']:<46}{row['bound']:>10.0f}{row['ours']:>10.0f}{row['share']:>7.2f}"
        f"{row['plain']:>10.0f}{row['times']:>7.2f}"
    )


def _case(settings: ExperimentSettings, dimension: int, clips: int, device: torch.device) -> Case:
    rng = np.random.default_rng(0)
    labels = {f"c{i}": rng.uniform(-1, 1, (1000, 2)).astype(np.float32) for i in range(clips)}
    tables = rng.standard_normal((1000, dimension), dtype=np.float32).astype(np.float16)
    aligned = {name: align_labels({"va": rows}, 1000, settings.extra_rows, name) for name, rows in labels.items()}
    read = lambda clip: [FrameTable(np.roll(tables, int(clip[1:]), 0), np.ones(1000, bool))]  # noqa: E731
    side, _ = load_side(aligned, read, [dimension], settings, training=True)
    return Case(settings, side, Standard(torch.zeros(dimension), torch.ones(dimension)).to(device), device, dimension)


def _stepped(case: Case, batches: Iterator[tuple[torch.Tensor, torch.Tensor]], steps: int) -> float:
    """Frames a second of plain steps: forward, CCC loss, backward, Adam."""
    network = case.network().train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    known = mask = None
    for number, (frames, labels) in enumerate(islice(batches, steps + 1)):
        if number == 1:
            began = _now(case.device)
        frames, labels = frames.to(case.device), labels.to(case.device)
        if mask is None or mask.shape != frames.shape[:2]:
            mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=case.device)
            known = mask[..., None]
        with torch.autocast(case.device.type, torch.bfloat16, enabled=case.settings.precision == "bfloat16"):
            scores = network(frames, known, mask).values["va"]
        loss = _ccc(scores.float().flatten(0, 1), labels.flatten(0, 1))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return steps * case.settings.batch * case.settings.segment / (_now(case.device) - began)


def _ccc(prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    off_p, off_t = prediction - prediction.mean(0), truth - truth.mean(0)
    scale = off_p.square().mean(0) + off_t.square().mean(0) + (prediction.mean(0) - truth.mean(0)).square()
    return (1 - 2 * (off_p * off_t).mean(0) / scale).sum()


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _bound(case: Case, steps: int) -> float:
    shape = case.settings.batch, case.settings.segment
    one = torch.randn(*shape, case.dimension, device=case.device), torch.rand(*shape, 2, device=case.device)
    return _stepped(case, (one for _ in count()), steps)


def _ours(case: Case) -> float:
    """The second of two epochs, through the training loop."""
    ends: list[float] = []
    fit(
        case.network,
        case.side,
        None,
        case.standard,
        case.settings,
        0,
        case.device,
        None,
        lambda _: ends.append(_now(case.device)),
    )
    return case.frames / (ends[1] - ends[0])


class _Windows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows of per-clip files, as a team would write them."""

    def __init__(self, files: list[Path], segment: int) -> None:
        self.files, self.segment = files, segment
        self.windows = [(clip, start) for clip in range(len(files)) for start in range(0, 900, segment)]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        clip, start = self.windows[index]
        part = slice(start, start + self.segment)
        values = np.load(self.files[clip])[part].astype(np.float32)
        labels = np.load(self.files[clip].with_suffix(".labels.npy"))[part]
        return torch.from_numpy(values), torch.from_numpy(labels)


def _files(case: Case, folder: Path) -> list[Path]:
    files, first = [], 0
    for number, length in enumerate(case.side.clips.lengths):
        path, part = folder / f"{number}.npy", slice(first, first + length)
        np.save(path, case.side.clips.values[part].numpy())
        np.save(path.with_suffix(".labels.npy"), case.side.tasks["va"].values[part])
        files.append(path)
        first += length
    return files


def _plain(case: Case, files: list[Path], steps: int) -> float:
    loader = DataLoader(
        _Windows(files, case.settings.segment), case.settings.batch, shuffle=True, num_workers=2, drop_last=True
    )

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield from loader

    return _stepped(case, batches(), steps)


def _load(gigabytes: float) -> dict[str, Any]:
    """Load time of clips as long as Aff-Wild2's, 2,000 numbers a frame; as many of them as ``gigabytes`` hold."""
    frames, dimension = round(ALL_FRAMES / CLIPS), 2000
    clips = min(CLIPS, max(1, round(gigabytes * 1e9 / dimension / 2 / frames)))
    settings = ExperimentSettings.model_validate({"task": "va", "features": ["x"], "encoder": {"name": "gru"}})
    rng = np.random.default_rng(0)
    table = FrameTable(rng.standard_normal((frames, dimension), dtype=np.float32), np.ones(frames, bool))
    labels = np.zeros((frames, 2), np.float32)
    aligned = {f"c{i}": align_labels({"va": labels}, frames, settings.extra_rows, "c") for i in range(clips)}
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder) / "x.zarr")
        for clip in aligned:
            store.write(clip, table, clip, {}, "float16")
        began = time.perf_counter()
        side, _ = load_side(aligned, lambda clip: [store.read(clip, clip)], [dimension], settings, training=True)
        seconds = time.perf_counter() - began
    size = side.clips.values.nbytes
    text = (
        f"load: {clips} clips, {clips * frames} frames of {dimension} numbers ({size / 1e9:.1f} GB, "
        f"{clips * frames / ALL_FRAMES:.0%} of Aff-Wild2) in {seconds:.1f} s, {size / seconds / 1e6:.0f} MB a second"
    )
    return {"clips": clips, "frames": clips * frames, "bytes": size, "seconds": seconds, "text": text}


if __name__ == "__main__":
    main()
