"""``fau``: 512 features from an IResNet100 trained on action units; network and input are those of ``ires100``.

Zhang et al., Emotion Recognition based on Multi-Task Learning (ABAW4), train it for face recognition on Glint360K, then
on 7,000 pictures labelled with 15 action units. That data set is commercial and the weights are not public.
"""

from __future__ import annotations

from typing import Literal

from abaw_pipeline.features.base import Spec
from abaw_pipeline.features.visual.ires100 import IRes100


class FAU(IRes100):
    """A frame extractor (see ``features/base.py``)."""

    class Settings(IRes100.Settings):
        """Settings of ``fau``; ``weights`` is required (keys of insightface's ``backbone.pth``)."""

        extractor: Literal["fau"]  # type: ignore[assignment]  # the same settings under its own name

    @staticmethod
    def spec(settings: IRes100.Settings) -> Spec:
        return Spec("visual", "faces", 512, code=("features.visual.fau",), weights=("weights",))
