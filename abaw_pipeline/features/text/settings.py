"""Where transcripts come from, and the speech recogniser that may make them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from abaw_pipeline.features.base import ExtractorSettings
from abaw_pipeline.features.weights import ModelWeights
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import Strict

FORMATS = (".srt", ".vtt", ".txt")
_ANY = Layout(Path("{results}"), "{dataset}")


class FileTranscripts(Strict):
    """One file per clip: SubRip (``.srt``), WebVTT (``.vtt``), or plain text without times (``.txt``); UTF-8."""

    source: Literal["files"]
    folder: str
    """``{dataset}`` in it stands for the data set's name."""
    pattern: str = "{clip}.srt"
    """Name of a clip's file below ``folder``."""

    @field_validator("pattern")
    @classmethod
    def _names_a_clip(cls, pattern: str) -> str:
        if "{clip}" not in pattern or not pattern.lower().endswith(FORMATS):
            raise ValueError("it must hold {clip} and end in .srt, .vtt or .txt")
        return pattern

    @property
    def timed(self) -> bool:
        return not self.pattern.lower().endswith(".txt")


class TableTranscripts(Strict):
    """A CSV file with a header; each row is a word, a phrase, or the whole of a clip."""

    source: Literal["table"]
    path: str
    """``{dataset}`` in it stands for the data set's name."""
    clip: str = "clip"
    """Column of the clip's id, taken as it is written (``00042`` stays that)."""
    text: str = "text"
    """Column of the words."""
    start: str | None = None
    """Column of the time at which the row's words begin, on the recording's own time line."""
    end: str | None = None
    """Column of the time at which they end; needed where ``start`` is given."""
    unit: Literal["s", "ms"] = "s"
    """Unit of the times."""
    delimiter: str = Field(",", min_length=1, max_length=1)

    @model_validator(mode="after")
    def _both_or_neither(self) -> TableTranscripts:
        if (self.start is None) != (self.end is None):
            raise ValueError("name the columns of start and end, or neither")
        return self

    @property
    def timed(self) -> bool:
        return self.start is not None


class MadeTranscripts(Strict):
    """What ``abaw transcribe`` made by the recogniser of the section ``transcripts``, as corrected by hand."""

    source: Literal["made"]
    folder: str = str(_ANY.transcripts)

    @property
    def timed(self) -> bool:
        return True


Transcripts = Annotated[FileTranscripts | TableTranscripts | MadeTranscripts, Field(discriminator="source")]


class RecogniserSettings(Strict):
    """A speech recogniser of transformers with CTC (Wav2Vec2, HuBERT, WavLM, Data2Vec for CTC)."""

    weights: ModelWeights
    """Folder or hub repository with the model, its feature extractor and its tokenizer."""
    window_s: float = Field(20.0, ge=1)
    """Seconds of sound that one pass of the network decides."""
    context_s: float = Field(5.0, ge=0.1)
    """Seconds that it hears besides, on either side, as far as there is sound."""
    case: Literal["lower", "model"] = "lower"
    """Words in small letters (many recognisers know capitals only, and text encoders know them little), or as given."""


def reads_made(settings: ExtractorSettings) -> bool:
    """Whether a feature is made from what ``abaw transcribe`` writes."""
    return isinstance(getattr(settings, "transcripts", None), MadeTranscripts)
