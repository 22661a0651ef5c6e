"""How much of the bare network's speed an extraction keeps: crops decoded, prepared, embedded, against embedding alone.

Run after `make demo`. Both are measured in this run, on the crops of the built-in corpus; the bare network embeds one
prepared batch again and again.

    python benchmarks/extract.py [--frames 600]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from abaw_pipeline.config import Config, load
from abaw_pipeline.datasets.index import read_clips
from abaw_pipeline.features.frames import CPU_BATCH, embed_frames
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.media.store import Faces
from abaw_pipeline.runtime.device import choose, use_threads
from abaw_pipeline.runtime.paths import Layout


class Some:
    """The first crops of a data set, packed as media has them."""

    def __init__(self, layout: Layout, frames: int) -> None:
        self._crops: list[tuple[Faces, int]] = []
        for clip in read_clips(layout):
            faces = Faces(layout, clip.id)
            self._crops += [(faces, int(row)) for row in np.flatnonzero(faces.valid)]
        self._crops = self._crops[:frames]
        self.valid = np.ones(len(self._crops), bool)

    def picture(self, index: int) -> np.ndarray:
        faces, row = self._crops[index]
        return faces.picture(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600)
    frames = parser.parse_args().frames
    config = load(Path("config.yaml"))
    dataset = next(iter(config.datasets))
    crops = Some(Layout(Path(config.results), dataset), frames)
    print(f"{len(crops.valid)} crops, {use_threads(None)} threads, device {choose(config.device)}")
    print(f"{'feature':<14}{'bare':>12}{'end to end':>14}{'share':>8}   (frames a second)")
    for name in config.features:
        if config.plan(name).spec.modality == "visual":
            bare, whole = _rates(config, name, crops)
            print(f"{name:<14}{bare:>12.1f}{whole:>14.1f}{whole / bare:>8.2f}")


def _rates(config: Config, name: str, crops: Some) -> tuple[float, float]:
    """Frames a second of the network alone, and of the whole extraction without the store."""
    plan, device = config.plan(name), choose(config.device)
    extractor = EXTRACTORS[plan.settings.extractor](plan.settings)
    extractor.load(device)
    size = min(config.batch, CPU_BATCH) if device.type == "cpu" else config.batch
    one = torch.from_numpy(np.stack([extractor.prepare(crops.picture(i)) for i in range(size)])).to(device)
    with torch.inference_mode():
        extractor.embed(one)
        began = time.perf_counter()
        for _ in range(len(crops.valid) // size):
            extractor.embed(one).float().cpu()
        bare = len(crops.valid) // size * size / (time.perf_counter() - began)
    began = time.perf_counter()
    embed_frames(extractor, crops, plan.spec.dimension, device, config.batch)
    return bare, len(crops.valid) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
