"""One data set from its folders: numbers of every clip, and problems by rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from abaw_pipeline.config import Config
from abaw_pipeline.datasets.base import DataSet
from abaw_pipeline.datasets.probes import probes
from abaw_pipeline.datasets.registry import ADAPTERS, DatasetSettings
from abaw_pipeline.doctor.labels import Annotation, Rules, check_labels
from abaw_pipeline.doctor.measured import Measured, measure
from abaw_pipeline.doctor.people import check_sides, check_splits
from abaw_pipeline.doctor.pictures import check_pictures
from abaw_pipeline.doctor.problems import Problem, from_reason, ranked
from abaw_pipeline.doctor.samples import Asked, asked, check_left_out, check_sample
from abaw_pipeline.doctor.seen import Seen, numbers_of
from abaw_pipeline.doctor.sound import check_sound
from abaw_pipeline.doctor.swapped import check_swapped
from abaw_pipeline.doctor.texts import check_text, text_files
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.types import Clip

_STOPS = "'abaw index' stops, nothing is computed"


@dataclass(frozen=True)
class Examined:
    """A data set: its clips by id, and problems, errors first."""

    dataset: str
    clips: list[Seen] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def count(self, rank: str) -> int:
        return sum(problem.rank == rank for problem in self.problems)


def examine(config: Config, dataset: str) -> Examined:
    """Look at everything that a data set holds; nothing is written, and of pictures hardly any is decoded."""
    settings: DatasetSettings = config.datasets[dataset]
    where = f"datasets.{dataset}"
    root = Path(settings.root or ".")
    texts = [problem for file in text_files(root, settings.watched) for problem in check_text(file)]
    try:
        found = ADAPTERS[settings.adapter](settings, where)
        samples = asked(found.samples, {*(clip.id for clip in found.clips), *(row.clip for row in found.skipped)})
    except ValueError as error:
        return Examined(dataset, [], ranked([from_reason("data set", str(error), _STOPS, where=where), *texts]))
    look = _Look(config, dataset, found, samples)
    problems = [*look.of_the_whole(), *look.of_clips(), *texts]
    return Examined(dataset, look.seen, ranked(problems))


class _Look:
    """One pass over a data set; ``seen`` is filled by ``of_clips``."""

    def __init__(self, config: Config, dataset: str, found: DataSet, samples: dict[str, dict[str, Asked]]) -> None:
        self._settings, self._where = config.datasets[dataset], f"datasets.{dataset}"
        self._found, self._samples, self._fill = found, samples, config.submission.fill
        self._rules = {task: _rules(config, dataset, task) for task in TASKS}
        self._together: dict[str, list[Clip]] = defaultdict(list)
        for clip in found.clips:
            self._together[clip.recording].append(clip)
        self.seen: list[Seen] = []

    def of_the_whole(self) -> Iterator[Problem]:
        """What the adapter says, and what concerns several clips."""
        for reason in self._found.refused:
            yield from_reason("data set", reason.removeprefix(f"{self._where}: "), _STOPS, where=self._where)
        stops = self._settings.on_bad_clip == "stop"
        for row in self._found.skipped:
            then = f"{_STOPS} (on_bad_clip is 'stop')" if stops else "the clip is left out"
            yield from_reason("left out", row.reason, then, row.clip)
            yield from self._lacking(row.clip)
        if not self._found.clips:
            yield Problem("error", "data set", self._where, "not one usable clip", _STOPS)
        for note in self._found.notes:
            yield Problem(note.rank, "reading", note.where, note.what, note.then, note.clip)
        for several in self._together.values():
            yield from check_sides(several)
        groups: dict[str, list[Clip]] = defaultdict(list)
        for clip in self._found.clips:
            groups[clip.source].append(clip)
        for several in groups.values():
            yield from check_splits(several)
        yield from self._unused()

    def of_clips(self) -> Iterator[Problem]:
        """What is wrong with each clip that the adapter kept."""
        probed = probes((clip.video for clip in self._found.clips if clip.video), "doctor")
        for clip in self._found.clips:
            seen = None
            try:
                told = probed.get(clip.video or "")
                if isinstance(told, ValueError):
                    raise told
                seen = measure(clip, told)
            except ValueError as error:
                yield from_reason("left out", str(error), "the clip is left out", clip.id)
                yield from self._lacking(clip.id)
            labels = {task: rows[clip.id] for task, rows in self._found.labels.items() if clip.id in rows}
            asks = {track: rows[clip.id] for track, rows in self._samples.items() if clip.id in rows}
            self.seen.append(numbers_of(clip, seen, labels, asks, self._together[clip.recording]))
            yield from self._of_media(clip, seen)
            for task, rows in labels.items():
                file = self._found.files.get(task, {}).get(clip.id)
                frames = seen.frames if seen else None
                yield from check_labels(Annotation(clip, TASKS[task], rows, file), frames, self._rules[task])

    def _of_media(self, clip: Clip, seen: Measured | None) -> Iterator[Problem]:
        if seen is None:
            return
        yield from check_pictures(clip, seen)
        yield from check_sound(clip, seen)
        yield from check_swapped(clip, seen)
        for rows in self._samples.values():
            if clip.id in rows:
                yield from check_sample(rows[clip.id], clip.id, seen.frames, self._fill)

    def _lacking(self, clip: str) -> Iterator[Problem]:
        for rows in self._samples.values():
            if clip in rows:
                yield check_left_out(rows[clip], clip, self._fill)

    def _unused(self) -> Iterator[Problem]:
        """Clips that no task knows, of a data set with labels."""
        idle = [clip.id for clip in self._found.clips if not clip.splits]
        if idle and self._settings.labelled:
            what = f"{len(idle)} clips have neither labels nor rows in a sample or test list"
            then = "their features are extracted all the same; nothing is trained or scored on them"
            yield Problem("note", "unused", idle[0], what, then)


def _rules(config: Config, dataset: str, task: str) -> Rules:
    """What the experiments that train a task on the data set do with label rows past the last frame."""
    return [
        (name, experiment.extra_rows)
        for name, experiment in config.experiments.items()
        if experiment.dataset == dataset and task in experiment.targets
    ]
