"""What lies beside the data sets: logs, times, journals, and copies of earlier settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from abaw_pipeline.cleaning.places import Place, names, present
from abaw_pipeline.cleaning.wanted import Wanted
from abaw_pipeline.config import Config
from abaw_pipeline.runtime.snapshot import snapshot_path

LOGS = {
    "corpus": "{dataset}",
    "index": "{dataset}",
    "media": "{dataset}-{shard}",
    "transcribe": "{dataset}-{shard}",
    "extract": "{dataset}-{feature}-{shard}",
    "join": "{dataset}-{feature}",
    "train": "{dataset}-{experiment}-{fold}-{seed}",
    "infer": "{dataset}-{experiment}-{fold}-{seed}",
    "ensemble": "{dataset}-{ensemble}",
    "submit": "{dataset}-{name}-{track}",
    "curves": "{dataset}-{ensemble}",
}
"""How a rule names the log of a job, as in ``workflow/rules``."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_+.-]*"
_PATTERNS = {"shard": r"\d+", "seed": r"\d+", "fold": "[a-z0-9]+", "track": "[a-z]+"}


def earlier_settings(config: Config) -> Place:
    """Copies of other settings than these."""
    current = snapshot_path(config)
    stems = (name for name in names(current.parent, ".json", files=True) if re.fullmatch("[0-9a-f]{16}", name))
    copies = present(*(current.with_name(f"{stem}.json") for stem in stems if stem != current.stem))
    return Place(current.parent, f"{len(copies)} copies of earlier settings", copies)


def old_logs(results: Path, wants: Mapping[str, Wanted]) -> Iterator[Place]:
    """Logs, times and journals of jobs that no setting asks for; ``wants`` by data set of the settings."""
    kinds = (("logs", ".log"), ("benchmarks", ".tsv"), ("journal", ".jsonl"))
    for (folder, end), rule in product(kinds, LOGS):
        home = results / folder / rule
        known = {name for dataset, want in wants.items() for name in _jobs(rule, dataset, want)}
        shape = re.compile(re.sub(r"\{(\w+)\}", lambda part: _PATTERNS.get(part[1], _NAME), LOGS[rule]))
        old = [name for name in names(home, end, files=True) if name not in known and shape.fullmatch(name)]
        files = present(*(home / f"{name}{end}" for name in old))
        yield Place(home, f"{len(files)} of jobs that no setting asks for", files)


def _jobs(rule: str, dataset: str, want: Wanted) -> Iterator[str]:
    """Names of the jobs of one rule that the settings ask for."""
    values: dict[str, list[tuple[str, ...]]] = {
        "{dataset}": [()],
        "{dataset}-{shard}": [(str(shard),) for shard in range(want.shards)],
        "{dataset}-{feature}": [(feature,) for feature in want.features],
        "{dataset}-{feature}-{shard}": [(f, str(shard)) for f in want.features for shard in range(want.shards)],
        "{dataset}-{experiment}-{fold}-{seed}": sorted(want.models if rule == "train" else want.predictions),
        "{dataset}-{ensemble}": [(ensemble,) for ensemble in want.ensembles],
        "{dataset}-{name}-{track}": sorted(want.submissions),
    }
    for parts in values[LOGS[rule]]:
        yield "-".join((dataset, *parts))
