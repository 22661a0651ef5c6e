"""Aff-Wild2's size on the DAG: seconds, peak memory and jobs of a dry run and of a run with nothing to do.

594 clips, 12 features, 100 experiments of 6 folds, 16 shards. Recordings are empty files, and every job is played by a
small program that writes manifests of the real size and the names in their stores: what is measured is Snakemake
reading the rules, and our part in it, not the work.

    python benchmarks/size.py [--folder DIR] [--keep]
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CLIPS, FEATURES, EXPERIMENTS, FOLDS, SHARDS = 594, 12, 100, 6, 16
SNAKEFILE = """include: "{root}/Snakefile"
shell.executable("{player}")
"""


def settings() -> dict[str, object]:
    features = {f"f{number}": {"extractor": "fbank", "bins": 40 + number} for number in range(FEATURES)}
    common = {"task": "va", "encoder": {"name": "gru"}, "folds": {"name": "kfold", "k": FOLDS}}
    names = list(features)
    return {
        "results": "results",
        "shards": SHARDS,
        "datasets": {
            "affwild2": {
                "adapter": "affwild2",
                "root": "data",
                "tasks": ["va"],
                "test_lists": {"va": "test.txt"},
                "samples": {"va": "sample.txt"},
            }
        },
        "features": features,
        "experiments": {
            f"e{number:03d}": {
                **common,
                "features": [names[number % 12], names[(number + 5) % 12]],
                "segment": 50 + number,
            }
            for number in range(EXPERIMENTS)
        },
        "ensembles": {"all": {"task": "va", "members": ["e*"]}, "some": {"task": "va", "members": ["e00?"]}},
    }


def write_data(root: Path) -> None:
    """Names and small files; the test set is 152 clips, as in ABAW5 (356 and 76 with labels, 10 never listed)."""
    for number in range(CLIPS):
        clip = root / "batch1" / f"video{number}.mp4"
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.write_bytes(str(number).encode())
        (root / "cropped_aligned" / clip.stem).mkdir(parents=True)
        if number < 442:
            part = root / "VA_Estimation_Challenge" / ("Train_Set" if number < 366 else "Validation_Set")
            part.mkdir(parents=True, exist_ok=True)
            (part / f"{clip.stem}.txt").write_text("valence,arousal\n" + "0.1,0.2\n" * 20)
    tests = [f"video{number}" for number in range(442, CLIPS)]
    (root / "test.txt").write_text("\n".join(tests) + "\n")
    rows = [f"{clip}/{frame:05d}.jpg,0,0" for clip in tests for frame in range(1, 21)]
    (root / "sample.txt").write_text("\n".join(["image_location,valence,arousal", *rows]) + "\n")


def measure(what: str, folder: Path, *more: str) -> str:
    """Run Snakemake, print seconds and peak memory of its process, and return what it said."""
    command = [sys.executable, "-m", "snakemake", "all", "--snakefile", "size.smk", "--cores", "8", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ABAW_SIZE_FOLDER": str(folder)}
    began = time.perf_counter()
    done = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    told = done.stdout.read() if done.stdout else ""
    _, status, usage = os.wait4(done.pid, 0)
    took = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{what}: {told[-3000:]}")
    jobs = re.search(r"^(\d+) jobs?\b", told, re.MULTILINE)
    number = jobs[1] if jobs else "no"
    print(f"{what:<44} {took:6.1f} s  {usage.ru_maxrss / 1024:6.0f} MB  {number} jobs", flush=True)
    return told


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--folder", type=Path, help="where to build it; a temporary folder without it")
    words.add_argument("--keep", action="store_true", help="leave the folder")
    given = words.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="abaw-size-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_data(folder / "data")
        (folder / "config.yaml").write_text(yaml.safe_dump(settings()))
        shutil.copytree(ROOT / "profiles", folder / "profiles")
        (folder / "size.smk").write_text(SNAKEFILE.format(root=ROOT, player=ROOT / "benchmarks" / "player.py"))
        measure("dry run, nothing there", folder, "--dry-run")
        measure("every job played", folder)
        measure("first look at what was made", folder)
        told = measure("nothing to do", folder)
        assert "Nothing to be done" in told, told[-2000:]
        clip = folder / "data/batch1/video0.mp4"
        clip.write_bytes(b"another recording")
        measure("dry run, one clip replaced", folder, "--dry-run")
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
