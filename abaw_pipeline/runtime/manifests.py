"""Manifests: what a stage made of each clip, and which clips it left out. They are what Snakemake sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.files import read_json, write_json
from abaw_pipeline.types import Skipped


@dataclass
class Manifest:
    """One entry per finished clip (at least ``content``, the digest of its values) and the clips left out.

    ``about`` describes the stage (spec, key, whether random weights were used); its ``key`` is the same in every shard.
    """

    about: dict[str, Any] = field(default_factory=dict)
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write as JSON, clips sorted, so that equal content gives equal bytes."""
        rows = sorted((asdict(row) for row in self.skipped), key=lambda row: (row["clip"], row["stage"]))
        write_json(path, {"about": self.about, "clips": self.clips, "skipped": rows})

    @classmethod
    def read(cls, path: Path, made_by: str) -> Manifest:
        """Read a manifest; ``made_by`` is the command named when it is missing (``ValueError``)."""
        raw = read_json(path, made_by)
        return cls(raw["about"], raw["clips"], [Skipped(**row) for row in raw["skipped"]])

    @classmethod
    def join(cls, parts: Iterable[Manifest]) -> Manifest:
        """All shards as one manifest.

        Raises:
            ValueError: no shard, or shards of different keys.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("no manifest to join")
        if len({part.about.get("key") for part in parts}) > 1:
            raise ValueError("the shards were made from different settings; run every shard again")
        joined = cls(parts[0].about)
        for part in parts:
            joined.clips.update(part.clips)
            joined.skipped.extend(part.skipped)
        return joined
