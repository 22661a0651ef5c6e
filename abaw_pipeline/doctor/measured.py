"""Pictures and sound of a clip: what its recording's container and its crop folder tell, nothing decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abaw_pipeline.datasets.probe import Probe
from abaw_pipeline.doctor.runs import longest
from abaw_pipeline.media.clock import clock_of
from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.types import Clip


@dataclass(frozen=True)
class Measured:
    """Pictures and sound of one clip.

    Attributes:
        times: ``(n,)`` float64, when each frame is shown, in seconds.
        rate: in Hz; ``None`` for stills.
        crops: numbers of the official crops, ascending; ``None`` without a folder of them.
        recording: what its container tells; ``None`` without one.
    """

    times: np.ndarray
    rate: float | None
    crops: np.ndarray | None
    recording: Probe | None

    @property
    def frames(self) -> int:
        return len(self.times)

    @property
    def crop_gap(self) -> tuple[int, int]:
        """First frame (from 1) and length of the longest stretch without a crop; ``(1, 0)`` without a folder."""
        missing = np.ones(self.frames, bool)
        if self.crops is None:
            missing[:] = False
        else:
            missing[self.crops[self.crops <= self.frames] - 1] = False
        start, length = longest(missing)
        return start + 1, length

    @property
    def pictures_end(self) -> float:
        """End of the last picture, in seconds."""
        period = float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1 / (self.rate or 25)
        return float(self.times[-1]) + period


def measure(clip: Clip, recording: Probe | None) -> Measured:
    """What a clip is made of; its picture clock is the one that the media stage would make.

    Args:
        recording: of ``clip.video``, where there is one.

    Raises:
        ValueError: the media stage would leave the clip out: nothing to count frames by, or a bad crop folder.
    """
    crops = np.array(list(list_crops(clip.crops)), int) if clip.crops else None
    if recording is not None and recording.has_pictures:
        return Measured(recording.times, _rate(recording), crops, recording)
    times = clock_of(clip, 0.0, []).times  # decodes nothing where there are no moving pictures
    return Measured(times, None if clip.stills else clip.rate, crops, recording)


def _rate(recording: Probe) -> float | None:
    """Pictures a second by their times, which uneven ones make another number than the stated one."""
    times = recording.times
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else recording.rate
