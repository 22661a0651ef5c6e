"""Weights of classes and of present labels, from the annotated frames of the training fold alone."""

from __future__ import annotations

import numpy as np

from abaw_pipeline.training.labelled import Labels
from abaw_pipeline.training.losses.settings import Weights


def class_weights(wanted: Weights | None, classes: int, labels: Labels) -> np.ndarray:
    """One weight a class, float64 ``(classes,)``: those given, ones, or ``n / (classes * n_c)`` (scikit-learn's).

    A class without an annotated frame weighs 1, as one of average frequency: no frame has it for a target, but label
    smoothing gives its term a share.
    """
    if isinstance(wanted, list):
        return np.array(wanted)
    if wanted is None:
        return np.ones(classes)
    counts = np.bincount(labels.values[labels.marks].astype(np.int64), minlength=classes)
    return np.where(counts > 0, counts.sum() / (classes * np.maximum(counts, 1)), 1.0)


def positive_weights(wanted: Weights | None, labels: Labels) -> np.ndarray:
    """One weight a unit, float64 ``(W,)``, of where it is present: those given, ones, or absent / present frames.

    None counts as one: a unit that is never absent still learns that it is present.
    """
    if isinstance(wanted, list):
        return np.array(wanted)
    if wanted is None:
        return np.ones(labels.values.shape[1])
    present = ((labels.values == 1) & labels.marks).sum(0)
    absent = labels.marks.sum(0) - present
    return np.maximum(absent, 1) / np.maximum(present, 1)
