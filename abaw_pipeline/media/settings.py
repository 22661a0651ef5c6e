"""Settings of the media stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from abaw_pipeline.strict import Strict


class FaceSettings(Strict):
    """Where face crops come from. The detector settings matter only where faces are detected."""

    source: Literal["auto", "crops", "detect"] = "auto"
    """``auto``: official crops where the data set has them, else detect. Stills are taken as they are."""
    detector: Literal["haar", "yunet"] = "haar"
    """``haar``: the cascade that OpenCV carries (boxes, no landmarks). ``yunet``: needs ``model``."""
    model: str | None = None
    """Path of YuNet's ONNX file."""
    threshold: float = Field(default=0.6, ge=0, le=1)
    """Least score of a YuNet detection."""
    detect_width: int = Field(default=480, ge=64)
    """Frames wider than this are shrunk to it for detection only (pixels)."""
    size: Literal[112, 224] = 112
    """Side of an aligned crop in pixels."""
    choose: Literal["largest", "central", "left", "right"] = "largest"
    """Which face starts a track where there are several; ``_left``/``_right`` clips always take their side."""
    min_overlap: float = Field(default=0.3, gt=0, le=1)
    """Least intersection over union by which a face continues the track of the frame before."""
    max_lost_s: float = Field(default=1.0, ge=0)
    """A track that finds no overlapping face for this long (seconds) starts anew by ``choose``."""
    quality: int = Field(default=95, ge=50, le=100)
    """JPEG quality of crops cut here (official crops are kept byte for byte)."""


class FrameSettings(Strict):
    """Whole pictures, packed for features that look at more than the face (``scene``)."""

    size: int = Field(default=256, ge=32, le=2160)
    """Shorter side in pixels to which a picture is shrunk, its proportions kept; a smaller one stays as it is.
    At 256 a picture takes 10 to 20 kB: about 50 GB for three million."""
    quality: int = Field(default=90, ge=50, le=100)
    """JPEG quality."""


class MediaSettings(Strict):
    """Settings of everything between a recording and the features."""

    faces: FaceSettings = FaceSettings()
    frames: FrameSettings | None = None
    """Whole pictures; ``null``: none are packed. ``{}`` or ``{size: 256}`` packs them."""
    max_error_share: float = Field(default=0.05, ge=0, le=1)
    """Largest share of frames of one clip that may be undecodable crops before the clip is reported as bad."""
