"""Small folders laid out like Aff-Wild2, made for tests (the fixture ``root`` is one)."""

from __future__ import annotations

from pathlib import Path

from abaw_pipeline.datasets.index import build_index
from abaw_pipeline.datasets.settings import Affwild2Settings
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.strict import parse

VA = "valence,arousal\n"


def put(path: Path, content: str | bytes = b"bytes") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def annotate(
    root: Path,
    clip: str,
    text: str = VA + "0.5,-0.5\n-5,-5\n",
    split: str = "Train_Set",
    folder: str = "VA_Estimation_Challenge",
) -> Path:
    return put(root / folder / split / f"{clip}.txt", text)


def settings(base: Path, **more: object) -> Affwild2Settings:
    raw = {
        "adapter": "affwild2",
        "root": str(base),
        "test_lists": {"va": "lists/test.txt"},
        "samples": {"va": "sample.txt"},
        **more,
    }
    return parse(Affwild2Settings, raw, "config.yaml", ("datasets", "aw"))


def index(base: Path, **more: object) -> tuple[Manifest, Layout]:
    layout = Layout(base.parent / "results", "aw")
    return build_index("aw", settings(base, **more), layout), layout


def reasons(manifest: Manifest) -> dict[str, str]:
    return {row.clip: row.reason for row in manifest.skipped}
