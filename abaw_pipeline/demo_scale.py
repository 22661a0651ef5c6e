"""``scale: demo``: a preset's networks made so small that it runs on the built-in corpus on two cores.

Only widths, epochs and features that are networks change: layers, heads, folds, members, losses and what comes after
are the preset's own.
"""

from __future__ import annotations

from math import lcm
from typing import Any

from abaw_pipeline.features.plan import declared

EPOCHS = 2
WIDTH = 8
"""Of a layer; what attends has as much per head."""
WIDTHS = ("hidden", "feedforward", "head_width")
NUMBERS = 16
"""Numbers a frame, at most, of a feature that stands in for a network."""

Raw = dict[str, Any]


def shrunk(preset: Raw) -> Raw:
    """The preset with small networks; stand-ins for features are random and say so."""
    numbers = _numbers(preset.get("experiments", {}))
    features = enumerate(preset.get("features", {}).items())  # each of a seed of its own, or two would be the same
    made = {**preset, "features": {name: _feature(raw, numbers, seed) for seed, (name, raw) in features}}
    for section in ("experiments", "grids"):
        if section in preset:
            made[section] = {name: _training(raw, made["features"]) for name, raw in preset[section].items()}
    return made


def _numbers(experiments: Raw) -> int:
    """Numbers a frame of stand-ins: where they go into an encoder as they are, its heads must divide them."""
    heads = [raw["encoder"].get("heads", 1) for raw in experiments.values() if _unprojected(raw)]
    return lcm(*heads) if heads else NUMBERS


def _unprojected(raw: Raw) -> bool:
    fusion = raw.get("fusion")
    return isinstance(fusion, dict) and fusion.get("projection", {}).get("kind") == "none"


def _feature(raw: Raw, numbers: int, seed: int) -> Raw:
    """A feature that is a network becomes a random stand-in of the same kind; others stay."""
    weights = {"source": "random", "seed": seed}
    if raw.get("extractor") == "text":  # its dimension may stand in a folder that is not here
        kept = {key: value for key, value in raw.items() if key in ("transcripts", "spread", "missing")}
        return {**kept, "extractor": "stand_in_text", "dimension": numbers, "weights": weights}
    spec = declared(raw)
    if spec is None or not spec.network or spec.source == "files":
        return raw
    dimension = min(numbers, spec.dimension)
    if spec.source == "sound":
        return {"extractor": "stand_in_audio", "dimension": dimension, "weights": weights}
    return {"extractor": "stand_in_visual", "dimension": dimension, "pictures": spec.source, "weights": weights}


def _training(raw: Raw, features: Raw) -> Raw:
    """An experiment with few epochs and narrow parts; what counts epochs is cut to their number."""
    small = {key: _narrow(value) if isinstance(value, dict) else value for key, value in raw.items()}
    epochs, schedule, select = min(EPOCHS, raw.get("epochs", EPOCHS)), raw.get("schedule"), raw.get("select")
    small["epochs"] = epochs
    if isinstance(schedule, dict) and "warmup" in schedule:
        small["schedule"] = {**schedule, "warmup": min(schedule["warmup"], epochs - 1)}
    if isinstance(select, dict) and select.get("name") == "range":
        small["select"] = {**select, "first": 1, "last": epochs}
    if _unprojected(raw) and "encoder" in raw:
        small["encoder"] = {**small["encoder"], _input(raw["encoder"]): _together(raw["features"], features)}
    _widen_interaction(small, raw)
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
            small[key] = min(value, WIDTH * part.get("heads", 1) * part.get("streams", 1))
        else:
            small[key] = _narrow(value) if isinstance(value, dict) else value
    return small


def _input(encoder: Raw) -> str:
    """The key that says how wide an encoder's input is."""
    return "width" if "width" in encoder else "hidden"


def _together(names: list[str], features: Raw) -> int:
    """Numbers a frame of several features side by side."""
    specs = [declared(features[name]) for name in names if name in features]
    return sum(spec.dimension for spec in specs if spec)


def _widen_interaction(small: Raw, raw: Raw) -> None:
    """The encoder of ``interaction`` stays so many times as wide as that of the modalities, in place."""
    fusion = raw.get("fusion")
    if not (isinstance(fusion, dict) and fusion.get("interaction")):
        return
    full, key = fusion["interaction"], _input(fusion["interaction"])
    for encoder, narrow in _encoders(raw, small):
        times = full[key] // encoder[_input(encoder)]
        small["fusion"]["interaction"][key] = times * narrow[_input(narrow)]


def _encoders(raw: Raw, small: Raw) -> list[tuple[Raw, Raw]]:
    """Every encoder of an experiment or a grid as it was and as it is."""
    if "encoder" in raw:
        return [(raw["encoder"], small["encoder"])]
    return [(encoder, small["encoders"][name]) for name, encoder in raw.get("encoders", {}).items()]
