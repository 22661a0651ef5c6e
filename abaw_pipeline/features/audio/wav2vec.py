"""``wav2vec``: wav2vec 2.0 (Baevski et al., NeurIPS 2020), 50 rows a second."""

from __future__ import annotations

from typing import ClassVar, Literal

from abaw_pipeline.features.audio.speech import SpeechSettings, SpeechTransformer, speech_spec
from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.networks.speech import Family


class Wav2Vec(SpeechTransformer):
    """A sound extractor (see ``features/base.py``)."""

    class Settings(SpeechSettings, ExtractorSettings):
        """Settings of ``wav2vec``; ``weights`` is required (transformers' keys, with or without heads)."""

        FAMILY: ClassVar[Family] = "wav2vec2"

        extractor: Literal["wav2vec"]
        model: Literal["base", "large", "large_lv60"] = "base"
        """Network of the checkpoint: ``wav2vec2-base``, ``-large``, ``-large-lv60``, or what was made from it."""

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return speech_spec(settings, "features.audio.wav2vec")
