"""What Snakemake compares: the settings a run started with, and a listing of each data set's raw files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from abaw_pipeline.runtime.clocks import keep_older
from abaw_pipeline.runtime.files import write_json
from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.runtime.storage import writing


def save_settings(config: Any) -> Path:
    """Keep the checked settings under a name made of their content, and return its path.

    Jobs read this file: an edit of ``config.yaml`` while a run is under way reaches the next run only.
    """
    path = snapshot_path(config)
    if not path.exists():
        write_json(path, _content(config))
    return path


def snapshot_path(config: Any) -> Path:
    """Where ``save_settings`` keeps these settings."""
    return Path(config.results) / ".settings" / f"{digest(_content(config))[:16]}.json"


def _content(config: Any) -> Any:
    return config.model_dump(mode="json", exclude={"grids"}, exclude_unset=True)


def refresh_listing(layout: Layout, listing: str) -> None:
    """Write ``listing.json`` when the raw files differ from it; remove it when they are gone.

    Its modification time, later than that of the index, is what makes Snakemake index the data set again.
    """
    path = layout.listing
    if not listing:
        with writing(path):
            path.unlink(missing_ok=True)
    elif _listed(path) != listing:
        write_json(path, {"listing": listing})
        keep_older(layout.clips, path)


def _listed(path: Path) -> str | None:
    """The listing of the last time; ``None`` where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["listing"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
