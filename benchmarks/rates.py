"""How fast one feature is: alone in memory, through the whole extraction, and by the loop that a team would write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from made_up import FPS, RATE, encoded, noise, write_clip

from abaw_pipeline.features.compute import Embedder, inference
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.frames import CPU_BATCH, embedded
from abaw_pipeline.features.plan import FeaturePlan
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.visual.pictures import standardised
from abaw_pipeline.runtime.device import precision, use_threads
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.types import Clip

CLIPS = 5
"""Clips of an extraction; batches span them."""


@dataclass(frozen=True)
class Means:
    """What all measurements of a run share."""

    folder: Path
    device: torch.device
    threads: int
    batch: int
    compiled: bool
    seconds: float
    """What one measurement may take, about."""


class Feature:
    """One feature with its network loaded. Rates are frames a second, or seconds of sound a second."""

    def __init__(self, plan: FeaturePlan, means: Means) -> None:
        self.plan, self.means = plan, means
        self.precision = precision(plan.precision, means.device) if plan.spec.network else "float32"
        self.extractor = self._load()
        self.pictures = plan.spec.source in ("faces", "frames")
        use_threads(means.threads)
        if self.pictures:
            self._decoded = [cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in encoded(plan.spec.source)]

    def _load(self) -> Any:
        extractor: Any = EXTRACTORS[self.plan.settings.extractor](self.plan.settings)
        extractor.load(self.means.device)
        return extractor

    @cached_property
    def _as_loaded(self) -> Any:
        """An extractor whose networks stay as their authors wrote them."""
        return self._load()

    def count_for(self, seconds: float) -> int:
        """Frames, or seconds of sound, that take about ``seconds``; told by a short measurement."""
        first = self.bare(2 * self._size * self.means.threads if self.pictures else 30)  # first calls are slow
        first = max(first, self.bare(2 * self._size * self.means.threads if self.pictures else 30))
        least = 4 * self._size * self.means.threads if self.pictures else 40
        return max(least, round(first * seconds))

    @property
    def _size(self) -> int:
        return min(self.means.batch, CPU_BATCH) if self.means.device.type == "cpu" else self.means.batch

    def bare(self, count: int) -> float:
        """The network alone, in as many threads and batches of that size, on inputs that lie in its memory."""
        return self._bare_pictures(count) if self.pictures else self._bare_sound(count)

    def _bare_pictures(self, count: int) -> float:
        embedder = Embedder(
            self.extractor, self.plan.spec.dimension, self.means.device, self.precision, self.means.compiled
        )
        inputs = self._seen([self._decoded[i % len(self._decoded)] for i in range(self._size)])
        batches = -(-count // self._size)
        use_threads(self.means.threads)
        began = time.perf_counter()
        for _ in embedded(lambda _: inputs, embedder, range(batches)):
            pass
        return batches * self._size / (time.perf_counter() - began)

    def _bare_sound(self, count: int) -> float:
        each = max(1, count // CLIPS)
        samples = noise(each * RATE)
        use_threads(self.means.threads)
        began = time.perf_counter()
        with inference(self.means.device, self.precision):
            for _ in range(CLIPS):
                for _ in self.extractor.describe(samples):
                    pass
        return CLIPS * each / (time.perf_counter() - began)

    def end_to_end(self, count: int, clips: int = CLIPS) -> float:
        """Packed pictures or sound in, finished store out, through ``extract``; without loading the network."""
        layout = Layout(self.means.folder / f"{self.plan.name}-{time.monotonic_ns()}", "made_up")
        names = [f"clip{number}" for number in range(clips)]
        each = max(1, count // clips)
        for name in names:
            frames, seconds = (each, 0.0) if self.pictures else (1, float(each))
            write_clip(layout, name, frames, self.plan.spec.source, seconds)
        use_threads(self.means.threads)
        with self._loaded():
            began = time.perf_counter()
            made = extract(
                self.plan,
                [Clip(name, name) for name in names],
                layout,
                lambda: self.means.device,
                self.means.batch,
                compiled=self.means.compiled,
            )
            seconds = time.perf_counter() - began
        rows = sum(entry["valid"] for entry in made.clips.values())
        wanted = clips * (each if self.pictures else each * FPS)
        assert not made.skipped and rows >= 0.9 * wanted, f"{rows} rows for {wanted}: {made.skipped}"
        return clips * each / seconds

    @contextmanager
    def _loaded(self) -> Iterator[None]:
        """The extraction gets this extractor, as it is."""
        name, load = self.plan.settings.extractor, self.extractor.load
        kept, self.extractor.load = EXTRACTORS[name], lambda device: None
        EXTRACTORS[name] = lambda settings: self.extractor  # type: ignore[assignment,return-value]
        try:
            yield
        finally:
            EXTRACTORS[name], self.extractor.load = kept, load

    def plain(self, count: int) -> float:
        """One frame after the other from JPEG files, float32, ``np.save``; torch with its own number of threads."""
        folder = self.means.folder / f"{self.plan.name}-jpeg"
        folder.mkdir(exist_ok=True)
        pictures = encoded(self.plan.spec.source)
        for index in range(count):
            (folder / f"{index:06d}.jpg").write_bytes(pictures[index % len(pictures)])
        embed = self._as_loaded.embed
        use_threads(None)
        began = time.perf_counter()
        rows = [self._plainly(path, embed) for path in sorted(folder.glob("*.jpg"))[:count]]
        np.save(folder / "features.npy", np.stack(rows))
        return count / (time.perf_counter() - began)

    def _seen(self, pictures: list[np.ndarray]) -> torch.Tensor:
        """What the network gets to see of RGB pictures, on the device."""
        ready = torch.from_numpy(np.stack([self.extractor.prepare(one) for one in pictures])).to(self.means.device)
        return standardised(ready, self.extractor.statistics) if ready.dtype == torch.uint8 else ready

    def _plainly(self, path: Path, embed: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        with torch.no_grad():
            output: np.ndarray = embed(self._seen([picture])).float().cpu().numpy()[0]
        return output


def median_ratio(rates: list[dict[str, float]], over: str, under: str) -> float | None:
    """Median over the rounds of the ratio of two rates that were measured after one another."""
    found = [one[over] / one[under] for one in rates if over in one and under in one]
    return float(np.median(found)) if found else None


def rounds(measured: Callable[[], dict[str, float]], count: int) -> list[dict[str, float]]:
    return [measured() for _ in range(count)]
