"""Published systems as settings: ``workflow/presets/<name>.yaml``, which ``config.yaml`` selects and may override.

A preset is data like any settings file, and one section more: ``reported``, the paper's own tables.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from abaw_pipeline.demo_scale import shrunk
from abaw_pipeline.report.reported import ReportedTable, read_reported
from abaw_pipeline.runtime.code import PACKAGE
from abaw_pipeline.strict import nearest

FOLDER = PACKAGE.parent / "workflow" / "presets"
REPORTED = "reported"
KINDS = ("extractor", "name", "source")
"""Keys that say of which kind a part is, and so which other keys it has."""

Raw = dict[str, Any]


def known_presets() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def read_preset(name: str) -> Raw:
    """A preset as it is written; not to be changed by the reader."""
    path = FOLDER / f"{name}.yaml"
    try:
        raw: Raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return raw


def reported(name: str) -> list[ReportedTable]:
    """The paper's own tables; ``ValueError`` where they are not written as they must be."""
    return read_reported(read_preset(name).get(REPORTED), f"workflow/presets/{name}.yaml")


def with_presets(raw: Raw, source: str) -> Raw:
    """Settings with those of their presets below them: what ``raw`` says itself counts.

    Where ``scale: demo`` is set, the presets' networks are made small first.

    Raises:
        ValueError: no such preset, or two that say different things of one name that ``raw`` does not settle.
    """
    names = raw.get("presets") or []
    if raw.get("merged") or not isinstance(names, list) or not names:
        return raw
    below: Raw = {}
    for name in names:
        if name not in known_presets():
            raise ValueError(f"{source}: presets: no preset '{name}'{nearest(str(name), known_presets())}")
        preset = {key: value for key, value in read_preset(name).items() if key != REPORTED}
        _join(below, preset, raw, f"{source}: presets: '{name}' and another one differ in ")
    if raw.get("scale") == "demo":
        return {**_over(*_small(below, raw)), "merged": True}
    return {**_over(below, raw), "merged": True}


def _small(below: Raw, raw: Raw) -> tuple[Raw, Raw]:
    """The presets at demo scale, and what ``raw`` says beside them: what it says of a preset's feature goes to the
    full one, which a stand-in may then replace, unless it names an extractor itself."""
    theirs, own = below.get("features", {}), raw.get("features")
    if not isinstance(own, dict):
        return shrunk(below), raw
    said = {name for name in own if name in theirs and isinstance(own[name], dict) and "extractor" not in own[name]}
    full = {**below, "features": _over(theirs, {name: own[name] for name in said})}
    return shrunk(full), {**raw, "features": {name: own[name] for name in own if name not in said}}


def _join(below: Raw, preset: Raw, settled: Any, message: str, at: str = "") -> None:
    """Add a preset to those before it, in place."""
    for key, value in preset.items():
        known, own = below.get(key), settled.get(key) if isinstance(settled, dict) else None
        if isinstance(known, dict) and isinstance(value, dict):
            below[key] = dict(known)
            _join(below[key], value, own, message, f"{at}{key}.")
        elif key in below and known != value and own is None:
            raise ValueError(f"{message}{at}{key}; set it in this file")
        else:
            below[key] = value


def _over(below: Any, above: Any) -> Any:
    """Mappings are joined key by key; anything else of ``above`` stands in place of what is below, and so does a part
    of another kind."""
    if not (isinstance(below, dict) and isinstance(above, dict)) or _another_kind(below, above):
        return above
    joined = {key: _over(value, above[key]) if key in above else value for key, value in below.items()}
    return {**joined, **{key: value for key, value in above.items() if key not in below}}


def _another_kind(below: Raw, above: Raw) -> bool:
    return any(key in above and above[key] != below.get(key, above[key]) for key in KINDS)
