"""Extractors of other installed packages, found by the entry points that they declare.

In the package that brings one (``pyproject.toml``)::

    [project.entry-points."abaw.extractors"]
    toy = "abaw_toy.extractor:Toy"

The class keeps ``features/base.py``; its ``Spec.code`` names its own modules in full (``abaw_toy.extractor``). The
module is imported while Snakemake reads the rules, so it must import torch only where there is work.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from abaw_pipeline.features.base import ExtractorSettings

GROUP = "abaw.extractors"


def installed(taken: Collection[str]) -> dict[str, type[Any]]:
    """Extractors by the name under which ``config.yaml`` asks for them.

    Args:
        taken: names that are ours.

    Raises:
        ValueError: a name is taken, a module cannot be imported, or a class is no extractor; the entry is named.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in taken:
            raise ValueError(f"{_where(entry)}: '{entry.name}' is an extractor of this package; rename the other")
        if entry.name in found:
            raise ValueError(f"{_where(entry)}: {_where(found[entry.name])} has that name too; remove one")
        found[entry.name] = entry
    return {name: _loaded(entry) for name, entry in sorted(found.items())}


def _loaded(entry: EntryPoint) -> type[Any]:
    try:
        extractor: type[Any] = entry.load()
    except Exception as error:  # of another package: whatever its import raises
        raise ValueError(f"{_where(entry)}: cannot be imported: {type(error).__name__}: {error}") from error
    settings = getattr(extractor, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, ExtractorSettings)):
        raise ValueError(f"{_where(entry)}: it has no class Settings(ExtractorSettings); see features/base.py")
    if get_args(settings.model_fields["extractor"].annotation) != (entry.name,):
        raise ValueError(f"{_where(entry)}: its Settings must say: extractor: Literal['{entry.name}']")
    return extractor


def _where(entry: EntryPoint) -> str:
    return f"entry point {entry.name} = {entry.value} ({GROUP} of {entry.dist.name if entry.dist else 'unknown'})"
