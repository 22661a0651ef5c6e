"""From encoded frames to predicted values."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from abaw_pipeline.models.settings import HeadSettings


def build_head(width: int, columns: int, settings: HeadSettings) -> nn.Sequential:
    """Fully connected layers ``width -> hidden... -> columns``, ReLU and dropout after each hidden one."""
    layers: list[nn.Module] = []
    widths = [width, *settings.hidden]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(settings.dropout)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], columns))
