"""``egemaps``: openSMILE's eGeMAPS (Eyben et al., IEEE Trans. Affective Computing 7, 2016), LLDs or functionals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from abaw_pipeline.features.audio.smile import LLD_S, Level, SmileSettings, chunks, functionals, load_smile, table
from abaw_pipeline.features.base import ExtractorSettings, Rows, Samples, Spec

if TYPE_CHECKING:
    import torch

LLDS = {"v02": 25, "v01a": 23, "v01b": 23}
"""Descriptors of each version: v02 adds the bandwidths of the second and third formant."""
FUNCTIONALS = 88


class EGeMAPS:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(SmileSettings, ExtractorSettings):
        """Settings of ``egemaps``; it takes no weights."""

        extractor: Literal["egemaps"]
        set: Literal["v02", "v01a", "v01b"] = "v02"
        """Version of the set."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.egemaps",)
        if settings.level == "lld":
            return Spec("audio", "sound", LLDS[settings.set], "float32", code, unit_s=LLD_S)
        return Spec("audio", "sound", FUNCTIONALS, "float32", code, unit_s=settings.window_s)

    def load(self, device: torch.device) -> None:
        level: Level = "LowLevelDescriptors" if self.settings.level == "lld" else "Functionals"
        self.smile = load_smile(f"eGeMAPS{self.settings.set}", level)

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """openSMILE's own units; see ``smile.py`` for times and chunks."""
        if self.settings.level == "functionals":
            yield from functionals(self.smile, samples, self.settings)
            return
        for chunk in chunks(samples):
            yield table(self.smile, chunk.samples)[chunk.own], chunk.centres
