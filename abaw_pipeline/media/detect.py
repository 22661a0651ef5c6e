"""Face detectors: one call from a picture to boxes and, where the detector knows them, five landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from abaw_pipeline.media.settings import FaceSettings
from abaw_pipeline.runtime.keys import file_digest


@dataclass(frozen=True)
class Found:
    """``k`` faces: boxes ``(k, 4)`` x, y, width, height and landmarks ``(k, 5, 2)``, in pixels of the picture.

    Landmarks are in the order of ``align.TEMPLATE``; None for a detector without them.
    """

    boxes: np.ndarray
    landmarks: np.ndarray | None = None


class Detector(Protocol):
    """A face detector."""

    aligned: str
    """How its crops are aligned: ``landmarks`` or ``box``."""

    def detect(self, picture: np.ndarray) -> Found:
        """Faces of one BGR picture ``(H, W, 3)`` uint8."""


class YuNet:
    """OpenCV's YuNet (Wu et al., 2023, doi:10.1007/s11633-023-1423-y), from its ONNX file."""

    aligned = "landmarks"

    def __init__(self, settings: FaceSettings) -> None:
        try:
            self._net = cv2.FaceDetectorYN.create(str(_model(settings)), "", (320, 320), settings.threshold)
        except cv2.error as error:
            raise ValueError(f"media.faces.model: {settings.model} is no YuNet model ({error.err})") from None

    def detect(self, picture: np.ndarray) -> Found:
        self._net.setInputSize((picture.shape[1], picture.shape[0]))
        rows = self._net.detect(picture)[1]
        rows = np.empty((0, 15), np.float32) if rows is None else rows
        return Found(rows[:, :4], rows[:, 4:14].reshape(-1, 5, 2))


class Haar:
    """The frontal face cascade that OpenCV carries (Viola and Jones, 2001): boxes only."""

    aligned = "box"

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(_cascade()))

    def detect(self, picture: np.ndarray) -> Found:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        least = max(24, min(grey.shape) // 12)
        rows = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(least, least))
        return Found(np.asarray(rows, np.float32).reshape(-1, 4))


def make_detector(settings: FaceSettings) -> Detector:
    """The detector that the settings name.

    Raises:
        ValueError: ``yunet`` without a model file, or with one that is missing or of another kind.
    """
    return YuNet(settings) if settings.detector == "yunet" else Haar()


def detector_digest(settings: FaceSettings) -> str:
    """Digest of the file that decides what the detector finds; ``ValueError`` as ``make_detector``."""
    return _digest(str(_model(settings) if settings.detector == "yunet" else _cascade()))


def detect_shrunken(detector: Detector, picture: np.ndarray, width: int) -> Found:
    """Detect on the picture shrunk to at most ``width`` pixels across; results in pixels of the whole picture."""
    scale = picture.shape[1] / width
    if scale <= 1:
        return detector.detect(picture)
    size = (width, max(1, round(picture.shape[0] / scale)))
    found = detector.detect(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return Found(found.boxes * scale, None if found.landmarks is None else found.landmarks * scale)


def _model(settings: FaceSettings) -> Path:
    if settings.model is None:
        raise ValueError("media.faces.detector is 'yunet': set media.faces.model to the path of its ONNX file")
    if not Path(settings.model).is_file():
        raise ValueError(f"media.faces.model: no such file {settings.model}")
    return Path(settings.model)


def _cascade() -> Path:
    return Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"


@cache
def _digest(path: str) -> str:
    return file_digest(Path(path))
