"""Every preset: at demo scale from data to submission and report, or at full scale as a dry run.

    python benchmarks/presets.py [NAME ...] [--folder DIR]   minutes, jobs, scores, and what lint says of each file
    python benchmarks/presets.py --full                      jobs per rule against what the paper implies
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from preset_data import IMPLIED, settings, write_names

from abaw_pipeline.submission.lint import lint, rows_of

ROOT = Path(__file__).resolve().parents[1]
WARM = ROOT / "benchmarks" / "warm.py"
SNAKEFILE = """include: "{root}/Snakefile"
shell.executable("{warm}")
"""
RULES = ("media", "extract", "train", "infer", "ensemble", "submit")


def snakemake(folder: Path, name: str, *more: str) -> str:
    """Run it with the settings ``NAME.yaml``; what it said."""
    command = ["snakemake", "all", "--snakefile", "run.smk", "--configfile", f"{name}.yaml", "--cores", "2", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ABAW_WARM": str(folder / "warm")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name}: {(done.stdout + done.stderr)[-4000:]}")
    return done.stdout + done.stderr


def prepare(folder: Path, name: str, scale: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(settings(name, scale)))
    (folder / "run.smk").write_text(SNAKEFILE.format(root=ROOT, warm=WARM))
    if not (folder / "profiles").exists():
        shutil.copytree(ROOT / "profiles", folder / "profiles")


def jobs(told: str) -> dict[str, int]:
    """Jobs per rule, and all of them (``total``), as the run's logger says: ``127 jobs: 1 index, 16 media, ...``."""
    total, rules = re.findall(r"^(\d+) jobs?: (.+)$", told, re.MULTILINE)[-1]
    return {"total": int(total), **{rule: int(count) for count, rule in re.findall(r"(\d+) (\w+)", rules)}}


def run(folder: Path, name: str) -> None:
    """One preset at demo scale."""
    prepare(folder, name, "demo")
    began = time.perf_counter()
    told = snakemake(folder, name)
    minutes, total = (time.perf_counter() - began) / 60, jobs(told).get("total", 0)
    print(f"\n## {name}: {minutes:.1f} minutes, {total} jobs, {IMPLIED[name].trainings} trainings", flush=True)
    print(told[told.rfind("\n\n", 0, -2) :].strip() if "summary" in told else told[-600:])
    for dataset, raw in IMPLIED[name].data.items():
        found = sorted((folder / f"results/{name}/{dataset}/submissions").glob("*/*"))
        for file in (path for path in found if path.suffix in (".txt", ".csv")):
            sample = folder / raw["root"] / raw["samples"][file.stem]
            offences = lint(file.stem, file, sample)
            said = f"{len(offences)} offences" if offences else f"ok: {rows_of(file.stem, sample)} rows"
            print(f"abaw lint {file.stem} {file.parent.name}: {said}", flush=True)


def count(folder: Path, name: str) -> None:
    """One preset's dry run at full scale."""
    implied = IMPLIED[name]
    prepare(folder, name, "full")
    for adapter in implied.data:
        write_names(folder, adapter)
    found = jobs(snakemake(folder, name, "--dry-run"))
    found["submit"] = found.get("submit", 0) + found.get("submit_table", 0)
    told = "  ".join(f"{found.get(rule, 0):>7}" for rule in RULES)
    print(f"{name:<20} {told}  {found['total']:>6}   {implied.trainings}: {implied.why}", flush=True)
    assert (found["train"], found["submit"]) == (implied.trainings, implied.submissions), found
    assert found["extract"] == 16 * implied.features, found


@contextmanager
def warm(folder: Path) -> Iterator[None]:
    """A process with the libraries loaded that jobs are forked from."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "warm").unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(WARM), "serve", str(folder / "warm")], env=environment) as server:
        try:
            while not (folder / "warm").exists():
                time.sleep(0.1)
                if server.poll() is not None:
                    raise SystemExit("the process that jobs are forked from did not start")
            yield
        finally:
            server.terminate()


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("names", nargs="*", metavar="NAME", help="presets; all of them without it")
    words.add_argument("--folder", type=Path, help="where to run; a temporary folder without it")
    words.add_argument("--full", action="store_true", help="dry runs at full scale")
    given = words.parse_args()
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="abaw-presets-"))).resolve()
    try:
        if given.full:
            print(f"{'':<20} {'  '.join(f'{rule:>7}' for rule in RULES)}   total   trainings that the paper implies")
            for name in given.names or IMPLIED:
                count(folder, name)
            return
        with warm(folder):
            for name in given.names or IMPLIED:
                run(folder, name)
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
