"""``scale: demo``: a preset's networks made so small that it runs on the built-in corpus on two cores.

Only widths, epochs and features that are networks change: layers, heads, folds, members, losses and what comes after
are the preset's own.
"""

from __future__ import annotations

from typing import Any

from abaw_pipeline.features.plan import declared

EPOCHS = 2
WIDTH = 8
"""Of a layer; what attends has as much per head."""
WIDTHS = ("hidden", "feedforward", "head_width")
STAND_IN = 16
"""Most values a frame of a feature that stands in for a network."""

Raw = dict[str, Any]


def shrunk(preset: Raw) -> Raw:
    """The preset with small networks; stand-ins for features are random and say so."""
    made = {**preset}
    for section in ("experiments", "grids"):
        if section in preset:
            made[section] = {name: _training(raw) for name, raw in preset[section].items()}
    if "features" in preset:
        made["features"] = {name: _feature(raw) for name, raw in preset["features"].items()}
    return made


def _training(raw: Raw) -> Raw:
    """An experiment with few epochs and narrow parts; what counts epochs is cut to their number."""
    small = {key: _narrow(value) if isinstance(value, dict) else value for key, value in raw.items()}
    small["epochs"] = min(EPOCHS, raw.get("epochs", EPOCHS))
    if "schedule" in small and isinstance(small["schedule"], dict) and small["schedule"].get("warmup"):
        small["schedule"]["warmup"] = 1
    if isinstance(small.get("select"), dict) and small["select"].get("name") == "range":
        small["select"] = {**small["select"], "first": 1, "last": small["epochs"]}
    return small


def _narrow(part: Raw) -> Raw:
    """Widths of a part and of everything in it."""
    small: Raw = {}
    for key, value in part.items():
        if key in WIDTHS and isinstance(value, list):
            small[key] = [min(WIDTH, each) for each in value]
        elif key in WIDTHS and isinstance(value, int):
            small[key] = min(WIDTH, value)
        elif key == "width" and isinstance(value, int):
            small[key] = min(value, WIDTH * part.get("heads", 1))
        else:
            small[key] = _narrow(value) if isinstance(value, dict) else value
    return small


def _feature(raw: Raw) -> Raw:
    """A feature that is a network becomes a random stand-in of the same kind; others stay."""
    spec = declared(raw)
    if spec is None or not spec.network:
        return raw
    size = {"dimension": min(STAND_IN, spec.dimension), "modality": spec.modality}
    return {"extractor": "stand_in", **size, "weights": {"source": "random", "seed": 0}}
