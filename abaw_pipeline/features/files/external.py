"""``external``: features that were made elsewhere, from the files that teams keep them in.

``{clip}`` in ``path`` or ``array`` stands for the clip's id::

    features:
      mae: {extractor: external, modality: visual, dimension: 768, format: h5, path: mae.h5, array: "{clip}"}
      vggish: {extractor: external, modality: audio, dimension: 128, format: csv, path: "vgg/{clip}.csv", place: time}
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from abaw_pipeline.features.base import ExtractorSettings, Spec
from abaw_pipeline.features.files.formats import READERS, Rows
from abaw_pipeline.features.files.placing import by_number, by_time
from abaw_pipeline.features.files.seen import content_of, listing_of
from abaw_pipeline.runtime.keys import array_digest, digest
from abaw_pipeline.types import Clock, FrameTable

if TYPE_CHECKING:
    import torch

CLIP = "{clip}"
_SECONDS = {"ms": 0.001, "s": 1.0}


class External:
    """A file extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``external``; it takes no weights. Where the files lie is no part of a key, what they say is."""

        extractor: Literal["external"]
        modality: Literal["visual", "audio", "text"]
        format: Literal["npy", "npz", "csv", "h5", "frames", "pickle"]
        """``csv``: MuSe's tables. ``h5``: ``(n, D)``, or one vector a frame (``video/00001``). ``frames``: a folder
        of ``00001.npy`` ... ``pickle`` executes what is in the file: only for files that you made yourself."""
        path: str = Field(min_length=1)
        """File of a clip (``frames``: folder), or, for ``npz``, ``h5`` and ``pickle``, one file of all clips."""
        array: str | None = None
        """Name of the array, data set or group in the file. Without it the only one there is; in an ``h5`` the root."""
        dimension: int = Field(ge=1)
        """Values a row; files that have another number are refused."""
        dtype: Literal["float16", "float32"] = "float32"
        """How values are stored; 64-bit ones are rounded."""
        place: Literal["frames", "time"] = "frames"
        """``frames``: a row belongs to the frame whose number it has, by name or by order. ``time``: rows are laid on
        the picture clock as sound is (``features/align.py``)."""
        first_frame: Literal[0, 1] = 1
        """Number of a clip's first frame, where rows are named by numbers."""
        rate: float | None = Field(None, gt=0)
        """Rows a second, for ``place: time``."""
        times: str | None = None
        """For ``place: time`` without a rate: the column or array that holds the rows' times (csv: ``timestamp``)."""
        time_unit: Literal["ms", "s"] = "ms"
        offset_s: float = 0.0
        """Added to every row's time: half a window where times say when a row's window begins."""
        unit_s: float = Field(0.0, ge=0)
        """Seconds that one row describes: frames further from any row than this, and than rows are apart, are not
        valid."""
        extra_rows: int = Field(0, ge=0)
        """By how many rows, or frames, file and clip may differ at the ends: rows too many are dropped, frames
        without one are not valid."""
        missing: Literal["nan", "zeros"] = "nan"
        """Which rows say nothing, and are not valid: those with a NaN, or (``zeros``) also those that are all zero."""

        @model_validator(mode="after")
        def _fits(self) -> External.Settings:
            shared = self.format in ("npz", "h5", "pickle")
            if CLIP not in self.path and not (shared and CLIP in (self.array or "")):
                raise ValueError("no {clip} in 'path'" + (" or 'array'" if shared else "") + ": all clips would be one")
            if self.place == "time" and not (self.rate or self.times or self.format == "csv"):
                raise ValueError("'place: time' needs 'rate' or 'times'")
            if self.place == "frames" and (self.rate or self.times):
                raise ValueError("'rate' and 'times' belong to 'place: time'")
            if self.rate and self.times:
                raise ValueError("give 'rate' or 'times', not both")
            if self.times and self.format in ("npy", "frames"):
                raise ValueError(f"a file of format '{self.format}' has no 'times' in it; give 'rate'")
            return self

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.files.external",)
        return Spec(settings.modality, "files", settings.dimension, settings.dtype, code, places=("path", "array"))

    @staticmethod
    def content(settings: Settings, clip: str, memory: Path | None = None) -> str:
        """Digest of the clip's own file or folder, or of its rows in a file of all clips."""
        path = _path(settings, clip)
        within = None if CLIP in settings.path else f"{settings.array}".replace(CLIP, clip)
        own = memory and memory.with_name(f"external-{digest(settings.path)[:16]}.json")  # long, and read by clip
        return content_of(path, within, lambda: _rows_digest(_read(settings, clip)), own)

    @staticmethod
    def listing(settings: Settings) -> str:
        return listing_of(settings.path, CLIP)

    def load(self, device: torch.device) -> None:
        """Nothing to load."""

    def table(self, clip: str, clock: Clock) -> FrameTable:
        """One row per frame.

        Raises:
            ValueError: the file cannot be read, has another dimension, or does not fit the clip.
        """
        settings, rows, path = self.settings, _read(self.settings, clip), _path(self.settings, clip)
        if rows.values.ndim != 2 or rows.values.shape[1] != settings.dimension:
            raise ValueError(f"{path}: {rows.values.shape} values, the settings say (n, {settings.dimension})")
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused, by row and column, where it is stored
            values = rows.values.astype(np.float32)
        said = np.asarray(~np.isnan(values).any(axis=1))
        if settings.missing == "zeros":
            said &= values.any(axis=1)
        values = np.where(said[:, None], values, np.float32(0))
        try:
            if settings.place == "frames":
                return by_number(values, said, rows.numbers, settings.first_frame, settings.extra_rows, clock)
            return by_time(values, said, self._seconds(rows), settings.unit_s, settings.extra_rows, clock)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def _seconds(self, rows: Rows) -> np.ndarray:
        """The time of each row on the recording's time line."""
        settings, count = self.settings, len(rows.values)
        if settings.rate:
            steps = np.arange(count) if rows.numbers is None else rows.numbers - settings.first_frame
            return settings.offset_s + steps / settings.rate
        if rows.times is None:
            raise ValueError("it has no column 'timestamp'; name one with 'times', or give 'rate'")
        times = np.asarray(rows.times, np.float64).reshape(-1) * _SECONDS[settings.time_unit]
        if len(times) != count:
            raise ValueError(f"{len(times)} times for {count} rows")
        return settings.offset_s + times


def _path(settings: External.Settings, clip: str) -> Path:
    return Path(settings.path.replace(CLIP, clip))


def _read(settings: External.Settings, clip: str) -> Rows:
    path, array, times = _path(settings, clip), settings.array, settings.times
    named = [None if name is None else name.replace(CLIP, clip) for name in (array, times)]
    try:
        return READERS[settings.format](path, *named)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{path}: not readable as {settings.format}: {reason}") from None


def _rows_digest(rows: Rows) -> str:
    return array_digest(*(part for part in (rows.values, rows.numbers, rows.times) if part is not None))
