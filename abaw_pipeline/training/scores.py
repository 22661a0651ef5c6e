"""The score of each task: what the best epoch is chosen by, and ensembles are judged by. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from abaw_pipeline.metrics import mean_ccc

Score = Callable[[np.ndarray, np.ndarray], tuple[float, list[float]]]
"""Truth and prediction ``(n, C)`` to a task's score and its value per column."""

SCORES: dict[str, Score] = {"va": mean_ccc}
