"""What a person reads of a data set: a table of its clips, and its problems in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from abaw_pipeline.doctor.examine import Examined
from abaw_pipeline.doctor.problems import RANKS, Problem
from abaw_pipeline.doctor.seen import Labels, Seen, sound_offset
from abaw_pipeline.state.words import count

HEAD = ("clip", "split", "Hz", "frames", "rows", "sample", "annotated", "range", "crops", "gap", "sound s", "offset s")
NUMBERS = HEAD[2:]
LAST = ("people", "worst")
_MOST_CLIPS = 40
_MOST_ALIKE = 3


def clip_rows(found: Examined, everything: bool) -> tuple[list[tuple[str, ...]], int]:
    """Cells of the clips to show, and how many are not shown: of many only those with an error or a warning."""
    worst = _worst(found.problems)
    shown = sorted(found.clips, key=lambda seen: seen.clip.id)
    if not everything and len(shown) > _MOST_CLIPS:
        shown = [seen for seen in shown if worst.get(seen.clip.id) in RANKS[:2]][:_MOST_CLIPS]
    return [_cells(seen, worst.get(seen.clip.id, "")) for seen in shown], len(found.clips) - len(shown)


def problem_lines(problems: Iterable[Problem], everything: bool) -> Iterator[str]:
    """One line a problem; of many alike the first few, and how many more there are."""
    alike: Counter[tuple[str, str]] = Counter()
    listed = list(problems)
    total = Counter((problem.rank, problem.kind) for problem in listed)
    for problem in listed:
        key = problem.rank, problem.kind
        alike[key] += 1
        if everything or alike[key] <= _MOST_ALIKE:
            yield problem.line
        elif alike[key] == total[key]:
            yield f"{problem.rank}: {problem.kind}: {total[key] - _MOST_ALIKE} more like these"


def counts(found: Examined) -> str:
    """``24 clips, 2 warnings, 3 notes``."""
    ranks = [count(found.count(rank), rank) for rank in RANKS if found.count(rank)]
    return ", ".join([count(len(found.clips), "clip"), *(ranks or ["nothing odd"])])


def _worst(problems: Iterable[Problem]) -> dict[str | None, str]:
    worst: dict[str | None, str] = {}
    for problem in problems:  # the worst come first
        worst.setdefault(problem.clip, problem.rank)
    return worst


def _cells(seen: Seen, worst: str) -> tuple[str, ...]:
    found, labels = seen.measured, list(seen.labels.values())
    recording = found.recording if found else None
    sound = found and recording and recording.has_sound
    return (
        seen.clip.id,
        seen.split or "-",
        f"{found.rate:.5g}" if found and found.rate else "-",
        str(found.frames) if found else "-",
        "/".join(_same([str(one.rows) for one in labels])),
        "/".join(_same([str(rows) for rows in seen.samples.values()])),
        "/".join(_same([f"{one.annotated:.0%}" for one in labels])),
        "/".join(_same([_range(one) for one in labels])),
        str(len(found.crops)) if found and found.crops is not None else "-",
        str(found.crop_gap[1]) if found and found.crops is not None else "-",
        f"{recording.sound_s:.2f}" if sound and recording else "-",
        f"{sound_offset(found):.2f}" if sound and found else "-",
        seen.people,
        worst,
    )


def _same(parts: Sequence[str]) -> Sequence[str]:
    """One where all are the same; a dash where there is none."""
    return parts[:1] if len(set(parts)) == 1 else parts or ("-",)


def _range(labels: Labels) -> str:
    return "none" if labels.low is None or labels.high is None else f"{labels.low:.3g}..{labels.high:.3g}"
