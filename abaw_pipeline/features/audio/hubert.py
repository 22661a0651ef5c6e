"""``hubert``: HuBERT (Hsu et al., IEEE/ACM TASLP 29, 2021), 50 rows a second."""

from __future__ import annotations

from typing import ClassVar, Literal

from abaw_pipeline.features.audio.speech import SpeechSettings, SpeechTransformer, speech_spec
from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.networks.speech import Family


class HuBERT(SpeechTransformer):
    """A sound extractor (see ``features/base.py``)."""

    class Settings(SpeechSettings, ExtractorSettings):
        """Settings of ``hubert``; ``weights`` is required (transformers' keys, with or without heads)."""

        FAMILY: ClassVar[Family] = "hubert"

        extractor: Literal["hubert"]
        model: Literal["base", "large_ll60k"] = "base"
        """Network of the checkpoint: ``hubert-base-ls960`` or ``-large-ll60k``, or what was made from it."""

    @staticmethod
    def spec(settings: Settings) -> Spec:
        return speech_spec(settings, "features.audio.hubert")
