"""Following one person from frame to frame by the overlap of face boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union, in [0, 1], of one box with each of ``(k, 4)`` boxes (x, y, width, height)."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared
    return shared / np.maximum(union, 1e-9)


@dataclass
class Follower:
    """A track of one person.

    Attributes:
        choose: ``largest``, ``central``, ``left`` or ``right``: which face starts a track.
        own_half: with ``left`` and ``right``, a track starts only in that half of the picture. For clips of one of
            two people: while the other is seen alone, it must not be taken for this one.
        min_overlap: least intersection over union that continues the track.
        max_lost_s: how long, in seconds, the track waits for its face before it starts anew.
    """

    choose: str
    min_overlap: float
    max_lost_s: float
    own_half: bool = False
    _box: np.ndarray | None = None
    _seen: float = 0.0

    def step(self, boxes: np.ndarray, time: float, width: int, height: int) -> int | None:
        """Which of the faces ``(k, 4)`` in the picture at ``time`` is the person's, None where none is."""
        found = self._continued(boxes)
        if found is None and (self._box is None or time - self._seen > self.max_lost_s):
            found = self._started(boxes, width, height)
        if found is not None:
            self._box, self._seen = boxes[found], time
        return found

    def _continued(self, boxes: np.ndarray) -> int | None:
        if self._box is None or not len(boxes):
            return None
        shares = overlap(self._box, boxes)
        best = int(np.argmax(shares))
        return best if shares[best] >= self.min_overlap else None

    def _started(self, boxes: np.ndarray, width: int, height: int) -> int | None:
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        rank = {
            "largest": -boxes[:, 2] * boxes[:, 3],
            "central": np.hypot(centres[:, 0] - width / 2, centres[:, 1] - height / 2),
            "left": centres[:, 0],
            "right": -centres[:, 0],
        }[self.choose]
        allowed = np.ones(len(boxes), bool)
        if self.own_half and self.choose in ("left", "right"):
            allowed = (centres[:, 0] <= width / 2) if self.choose == "left" else (centres[:, 0] >= width / 2)
        candidates = np.flatnonzero(allowed)
        return int(candidates[np.argmin(rank[candidates])]) if len(candidates) else None
