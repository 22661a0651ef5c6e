"""What the stages hand to each other. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Split = str
"""One of ``train``, ``val``, ``test``."""
SPLITS: tuple[Split, ...] = ("train", "val", "test")
"""Of several splits the first counts: what trains one task is never held out for another."""


@dataclass(frozen=True)
class Clip:
    """One person in one recording.

    Two clips (``x_left``, ``x_right``) may share a recording; they then share ``recording``, and so ``source``, by
    which folds are grouped: a recording never stands on both sides of a fold.
    """

    id: str
    recording: str
    video: str | None = None
    """Path of the recording, where there is one; it may be sound alone."""
    crops: str | None = None
    """Folder of official face crops (``00001.jpg`` ...), where there is one."""
    rate: float | None = None
    """Stated frame rate in Hz; used only where there is no recording of pictures to read it from."""
    side: str | None = None
    """``left`` or ``right`` where the clip is one of two people in its recording."""
    group: str | None = None
    """What folds are grouped by, where it is more than the recording (a person in several recordings)."""
    stills: tuple[str, ...] = ()
    """Paths of pictures, one a frame, where the clip is a bundle of stills and no sequence."""
    digest: str = ""
    """sha256 over the content of everything the clip is made of (recording, crops)."""
    splits: dict[str, Split] = field(default_factory=dict)
    """Task name to split; a clip may train one task and test another."""

    @property
    def source(self) -> str:
        """What folds are grouped by."""
        return self.group or self.recording


@dataclass(frozen=True)
class Skipped:
    """A clip that a stage left out, and why (one line a person can act on)."""

    clip: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Clock:
    """The picture clock of a clip: row ``i`` is frame number ``i + 1``, shown at ``times[i]``.

    ``times`` is float64 with shape ``(n_frames,)``, in seconds on the recording's own time line, never decreasing.
    """

    times: np.ndarray

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or len(self.times) == 0:
            raise ValueError("a picture clock needs at least one frame")
        if np.any(np.diff(self.times) < 0):
            raise ValueError("the times of a picture clock must not decrease")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def period(self) -> float:
        """Median time between two frames, in seconds (1/25 for a clip of one frame)."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.04


@dataclass(frozen=True)
class FrameTable:
    """One feature of one clip: ``values`` ``(n_frames, D)`` and ``valid`` ``(n_frames,)`` bool."""

    values: np.ndarray
    valid: np.ndarray
