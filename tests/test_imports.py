"""Imports run one way, and what Snakemake reads imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import abaw_pipeline

PACKAGE = Path(abaw_pipeline.__file__).parent
ORDER = (
    ("types", "strict"),
    ("tasks", "tracks", "metrics", "runtime"),
    ("datasets", "demo"),
    ("media",),
    ("features", "networks"),
    ("models",),
    ("training",),
    ("ensembles",),
    ("submission",),
    ("report",),
    ("predict",),
    ("config", "settings_file", "consistency", "ensemble_consistency", "filled_in", "presets", "demo_scale"),
    ("state", "cleaning", "doctor"),
    ("planning",),
    ("cli", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
HEAVY = ("torch", "cv2", "av", "zarr", "h5py", "opensmile", "matplotlib", "sklearn", "timm", "skimage")


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def _imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("abaw_pipeline."):
            yield _part(node.module)
        elif isinstance(node, ast.Import):
            yield from (_part(a.name) for a in node.names if a.name.startswith("abaw_pipeline."))


def test_imports_run_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        wrong += [f"{path.name}: {own} imports {other}" for other in _imported(path) if LEVEL[other] > LEVEL[own]]
    assert not wrong


def test_every_part_has_its_place_in_the_order():
    parts = {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in PACKAGE.rglob("*.py")} - {"__init__"}
    assert parts == set(LEVEL)


def test_settings_and_keys_import_nothing_heavy():
    code = (
        "import sys; from abaw_pipeline.settings_file import load; from pathlib import Path; "
        "from abaw_pipeline.datasets.listing import listing_digest; "
        "from abaw_pipeline.runtime import run_lock, snapshot, storage, temporaries; "
        "c = load(Path('config.yaml')); [c.plan(f) for f in c.features]; print(' '.join(sys.modules))"
    )
    root = PACKAGE.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert not set(done.stdout.split()) & set(HEAVY)
