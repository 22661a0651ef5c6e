"""An extractor of another package: one module and the entry point that its package declares, no file of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml

from abaw_pipeline.features import plugins
from abaw_pipeline.features.registry import OURS
from tests.project import SETTINGS

ROOT = Path(__file__).parents[1]
TOY = '''"""``loudness``: root mean square of each 40 ms."""
from typing import Literal

import numpy as np

from abaw_pipeline.features.base import ExtractorSettings, Spec

from .scale import SCALE


class Loudness:
    class Settings(ExtractorSettings):
        extractor: Literal["loudness"]

    def __init__(self, settings):
        self.settings = settings

    @staticmethod
    def spec(settings):
        return Spec("audio", "sound", 1, "float32", ("abaw_toy.extractor",), unit_s=0.04)

    def load(self, device):
        """Nothing to load."""

    def describe(self, samples):
        pieces = samples[: len(samples) // 640 * 640].reshape(-1, 640)
        yield SCALE * np.sqrt((pieces**2).mean(1, keepdims=True)), (np.arange(len(pieces)) + 0.5) * 0.04
'''
EXTRACT = """
import json, sys
from pathlib import Path
from abaw_pipeline.features.extract import extract
from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.settings_file import load
from tests.test_features_extract import _clips, _media
layout, plan = Layout(Path(sys.argv[1]), "toy"), load(Path(sys.argv[2])).plan("toy")
_media(layout, "a")
done = extract(plan, _clips("a"), layout)
table = FeatureStore(layout.feature_store("toy")).read("a", done.clips["a"]["key"])
print(json.dumps({"shape": table.values.shape, "mean": float(table.values.mean()), "key": plan.key, **plan.about}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that holds the toy."""
    files = {
        "abaw_toy/__init__.py": "raise AssertionError('a key needs no import of the package')\n",
        "abaw_toy/extractor.py": TOY,
        "abaw_toy/scale.py": "SCALE = 1.0\n",
        "abaw_toy-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: abaw-toy\nVersion: 1.0\n",
        "abaw_toy-1.0.dist-info/entry_points.txt": "[abaw.extractors]\nloudness = abaw_toy.extractor:Loudness\n",
    }
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = SETTINGS | {"features": {"toy": {"extractor": "loudness"}}, "experiments": {}, "ensembles": {}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "site"


def _python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (site, ROOT)))
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=site.parent, env={**os.environ, "PYTHONPATH": path}
    )


def _extracted(site: Path) -> dict[str, Any]:
    (site / "abaw_toy" / "__init__.py").write_text("")
    done = _python(site, "-c", EXTRACT, str(site.parent / "results"), "config.yaml")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_new_extractor_is_one_module_and_an_entry_point(site: Path) -> None:
    (site / "abaw_toy" / "__init__.py").write_text("")
    check = _python(site, "-m", "abaw_pipeline", "check")
    assert "toy (audio, 1 values a frame)" in check.stdout, check.stderr
    first = _extracted(site)
    assert first["shape"] == [30, 1] and 0.09 < first["mean"] < 0.11  # noise of deviation 0.1
    assert {"abaw_toy.extractor", "abaw_toy.scale", "features.align"} <= first["modules"].keys()
    text = (site / "abaw_toy" / "extractor.py").read_text()
    (site / "abaw_toy" / "extractor.py").write_text(f"# a comment\n{text}")
    assert _extracted(site)["key"] == first["key"]
    (site / "abaw_toy" / "scale.py").write_text("SCALE = 2.0\n")
    second = _extracted(site)
    assert second["key"] != first["key"] and second["mean"] == pytest.approx(2 * first["mean"])


def test_a_key_is_made_without_importing_the_other_package(site: Path) -> None:
    program = "from abaw_pipeline.runtime.code import code_parts; print(*code_parts('abaw_toy.extractor'))"
    done = _python(site, "-c", program)
    assert {"abaw_toy.extractor", "abaw_toy.scale"} <= set(done.stdout.split()), done.stderr


def test_without_the_package_the_name_is_unknown(site: Path) -> None:
    done = _python(
        site.parent / "nothing", "-m", "abaw_pipeline", "--config", str(site.parent / "config.yaml"), "check"
    )
    assert done.returncode == 2 and "no such name 'loudness'" in done.stderr


class _Foreign:
    """No extractor: its settings are anything."""

    Settings = dict


def _entries(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> None:
    points = [EntryPoint(name, value, plugins.GROUP) for name, value in entries]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)


FBANK = "abaw_pipeline.features.audio.fbank:FilterBank"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("fbank", FBANK)], "'fbank' is an extractor of this package"),
        ([("x", FBANK), ("x", f"{__name__}:_Foreign")], "has that name too"),
        ([("x", "abaw_nowhere:X")], r"x = abaw_nowhere:X .*cannot be imported: ModuleNotFoundError"),
        ([("x", f"{__name__}:_Foreign")], r"no class Settings\(ExtractorSettings\)"),
        ([("x", FBANK)], r"extractor: Literal\['x'\]"),
    ],
)
def test_wrong_entries_are_named(monkeypatch: pytest.MonkeyPatch, entries: list[tuple[str, str]], message: str) -> None:
    _entries(monkeypatch, *entries)
    with pytest.raises(ValueError, match=message):
        plugins.installed(OURS)
