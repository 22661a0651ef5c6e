"""What extraction keeps of the bare network's speed, what it gains over a plain loop, and what memory it takes.

For each feature, in one run, on made-up pictures and sound, with random weights:
  bare        the network alone on ready batches in memory: same threads, precision and batch
  end to end  packed pictures or sound in, finished store out (frames, or seconds of sound, a second)
  plain       one frame at a time from JPEG files, float32, np.save, torch with its own number of threads
  memory      peak of a process of its own on a clip and on one ten times as long
Ratios are medians over rounds in which the rates were measured after one another.

    python benchmarks/extract.py [FEATURE or EXTRACTOR ...] [--seconds 5] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a machine where the package is not installed

import numpy as np
import torch
from rates import Feature, Means, median_ratio, rounds

from abaw_pipeline.features.base import ExtractorSettings
from abaw_pipeline.features.plan import plan_feature
from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.runtime.cores import cores
from abaw_pipeline.runtime.device import choose, named

SHARE, MEMORY, ON_GPU = 0.90, 1.15, 5.0
PLAIN = {"ms_va": 1.5, "densenet": 2.5, "regnet": 3.0}
"""Targets: share of the bare network (over 5 ms a frame), memory, and times the plain loop on a CPU."""
SLOW = 200.0  # frames a second of a network that costs 5 ms a frame
FRAMES, HOURS = 3e6, 28.0
"""Aff-Wild2: frames, and hours of sound."""


def main() -> None:
    options = _options()
    chosen = _settings(options)
    if options.peak:
        return _print_peak(chosen, options)
    threads, device = options.threads or cores(), choose(options.device)
    print(f"{named(device)}, {threads} threads, batch {options.batch}, torch {torch.__version__}, load {_load()}")
    print(f"{'feature':<20}{'':>9}{'bare':>10}{'end to end':>12}{'share':>7}{'plain':>9}{'times':>7}{'memory':>18}")
    rows = []
    for name, settings in chosen.items():
        rows.append(_row(name, settings, options, device, threads))
        print(_line(rows[-1]), flush=True)
    for text in [*_whole_dataset(rows, device), *_misses(rows, device)]:
        print(text)
    if options.json:
        about = {"device": named(device), "threads": threads, "batch": options.batch, "torch": torch.__version__}
        options.json.write_text(json.dumps({**about, "load": _load(), "features": rows}, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="features of the settings, or extractors; all of the settings")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0, help="what one measurement may take, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _settings(options: argparse.Namespace) -> dict[str, ExtractorSettings]:
    """Settings by the feature's name, all weights random; an extractor that no feature is named after: its defaults."""
    found: dict[str, ExtractorSettings] = {}
    try:
        from abaw_pipeline.settings_file import load

        found = dict(load(options.config).features)
    except (ImportError, ValueError) as error:
        if not options.names:
            raise SystemExit(f"{error}; name extractors") from None
        print(f"extractors with their defaults: {error}", file=sys.stderr)
    chosen = {}
    for name in options.names or [n for n, one in found.items() if _spec(one).source != "files"]:
        if name not in found and name not in EXTRACTORS:
            raise SystemExit(f"no feature or extractor '{name}'; known: {', '.join(sorted({*found, *EXTRACTORS}))}")
        settings = found.get(name) or EXTRACTORS[name].Settings(extractor=name)
        random = {field: RandomWeights(source="random") for field in _spec(settings).weights}
        chosen[name] = settings.model_copy(update=random)
    return chosen


def _spec(settings: ExtractorSettings) -> Any:
    return EXTRACTORS[settings.extractor].spec(settings)


def _row(
    name: str, settings: ExtractorSettings, options: argparse.Namespace, device: torch.device, threads: int
) -> dict[str, Any]:
    """All figures of one feature; only ``error`` where a library is missing or the network does not fit."""
    plan = plan_feature(name, settings, True, precision=options.precision)
    unit = "frames" if plan.spec.source in ("faces", "frames") else "seconds"
    row: dict[str, Any] = {"feature": name, "extractor": settings.extractor, "unit": unit}
    try:
        with tempfile.TemporaryDirectory() as folder:
            means = Means(Path(folder), device, threads, options.batch, options.compile, options.seconds)
            return row | _measured(Feature(plan, means), options)
    except (ImportError, torch.OutOfMemoryError) as error:
        return row | {"error": " ".join(str(error).split())}
    except subprocess.CalledProcessError as error:
        return row | {"error": error.stderr.strip().splitlines()[-1]}


def _measured(feature: Feature, options: argparse.Namespace) -> dict[str, Any]:
    count = feature.count_for(options.seconds)
    feature.end_to_end(count // 5 + 1)
    few = 1 + round(feature.plain(8) * options.seconds / 3) if feature.pictures else 0

    def one() -> dict[str, float]:
        plain = {"plain": feature.plain(few)} if feature.pictures else {}
        return {**plain, "bare": feature.bare(count), "end_to_end": feature.end_to_end(count)}

    rates = rounds(one, options.rounds)
    medians = {name: float(np.median([one[name] for one in rates])) for name in rates[0]}
    ratios = {"share": median_ratio(rates, "end_to_end", "bare"), "times": median_ratio(rates, "end_to_end", "plain")}
    peaks = {} if options.no_memory else _peaks(feature, medians["end_to_end"], options)
    return {"precision": feature.precision, "count": count, **medians, **ratios, "rounds": rates, **peaks}


def _peaks(feature: Feature, rate: float, options: argparse.Namespace) -> dict[str, float]:
    """Peak memory in MB on a clip, and on one ten times as long that takes about six measurements' time."""
    length = round(min(max(rate * 6 * options.seconds / 11, 100 if feature.pictures else 60), 1500))
    found = []
    for count in (length, 10 * length):
        call = [sys.executable, __file__, feature.plan.name, "--peak", str(count)]
        for option in ("config", "device", "precision", "batch"):
            call += [f"--{option}", str(getattr(options, option))]
        call += ["--threads", str(feature.means.threads)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        found.append(float(done.stdout.split()[-1]))
    return {"clip": length, "memory_mb": found[0], "memory_10_mb": found[1], "memory_ratio": found[1] / found[0]}


def _print_peak(chosen: dict[str, ExtractorSettings], options: argparse.Namespace) -> None:
    """Extract one clip, and print the peak of this process in MB. The kernel's ``VmHWM`` starts with the process."""
    ((name, settings),) = chosen.items()
    plan = plan_feature(name, settings, True, precision=options.precision)
    with tempfile.TemporaryDirectory() as folder:
        device = choose(options.device)
        means = Means(Path(folder), device, options.threads, options.batch, options.compile, options.seconds)
        Feature(plan, means).end_to_end(options.peak, clips=1)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) / 1024)


def _line(row: dict[str, Any]) -> str:
    start = f"{row['feature']:<20}{row['unit']:>9}"
    if "error" in row:
        return f"{start}  not measured: {row['error'][:90]}"
    share, times = f"{row['share']:.2f}", f"{row['times']:.1f}" if row["times"] else "-"
    plain = f"{row['plain']:.1f}" if "plain" in row else "-"
    memory = f"{row['memory_mb']:.0f} MB x {row['memory_ratio']:.2f}" if "memory_mb" in row else "-"
    return f"{start}{row['bare']:>10.1f}{row['end_to_end']:>12.1f}{share:>7}{plain:>9}{times:>7}{memory:>18}"


def _whole_dataset(rows: list[dict[str, Any]], device: torch.device) -> list[str]:
    """On a GPU: what Aff-Wild2 would take, feature by feature."""
    if device.type != "cuda":
        return []
    found = [f"Aff-Wild2 ({FRAMES:.0f} frames, {HOURS:.0f} h of sound) on this device, one feature after the other:"]
    for row in rows:
        if "error" not in row:
            amount = FRAMES if row["unit"] == "frames" else HOURS * 3600
            found.append(f"  {row['feature']:<20}{row['precision']:<10}{amount / row['end_to_end'] / 60:>8.1f} min")
    return found


def _misses(rows: list[dict[str, Any]], device: torch.device) -> list[str]:
    """Targets that were missed, one a line."""
    found = []
    for row in (one for one in rows if "error" not in one):
        slow = row["unit"] == "frames" and row["bare"] < SLOW
        plain = PLAIN.get(row["extractor"]) if device.type == "cpu" else ON_GPU
        checks = (("share", SHARE if slow else None), ("memory_ratio", MEMORY), ("times", plain))
        for what, target in checks:
            value = row.get(what)
            if value and target and (value > target if what == "memory_ratio" else value < target):
                found.append(f"missed: {row['feature']}: {what} {value:.2f}, target {target:.2f}")
    return found or ["every target is met"]


def _load() -> str:
    return " ".join(Path("/proc/loadavg").read_text().split()[:3])


if __name__ == "__main__":
    main()
