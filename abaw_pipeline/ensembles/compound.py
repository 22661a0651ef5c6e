"""Compound expressions from the probabilities of the basic ones, where nobody labelled compound ones.

A compound expression is two basic ones at once ("angrily surprised": anger and surprise), so a frame shows it as far as
it shows both; the other basic expressions, neutral among them, say nothing.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from abaw_pipeline.tasks import TASKS

Rule = Literal["product", "mean"]

_BASIC = {
    "Fearfully": "Fear",
    "Happily": "Happiness",
    "Sadly": "Sadness",
    "Disgustedly": "Disgust",
    "Angrily": "Anger",
    "Surprised": "Surprise",
    "Fearful": "Fear",
    "Angry": "Anger",
}
_LEAST = float(np.finfo(np.float32).tiny)
"""Probabilities count as at least this, so that a frame that shows none of the expressions says nothing."""


def pairs() -> np.ndarray:
    """Columns of the two basic expressions of each compound one, ``(7, 2)``."""
    basic = TASKS["expr"].columns
    return np.array([[basic.index(_BASIC[word]) for word in name.split("_")] for name in TASKS["ce"].columns])


def compound(probabilities: np.ndarray, rule: Rule) -> np.ndarray:
    """Probabilities of compound expressions, float32 ``(n, 7)``, rows adding up to 1.

    Args:
        probabilities: of the basic expressions ``(n, 8)``.
        rule: of the two basic expressions' probabilities, the compound one is proportional to the geometric mean
            (``product``), or to the arithmetic mean (``mean``).
    """
    both = np.maximum(probabilities.astype(np.float64), _LEAST)[:, pairs()]
    shown = np.sqrt(both.prod(axis=2)) if rule == "product" else both.mean(axis=2)
    return (shown / shown.sum(axis=1, keepdims=True)).astype(np.float32)
