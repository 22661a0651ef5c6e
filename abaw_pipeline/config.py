"""The settings of a run: one strict schema, joined from the settings that each stage owns."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from abaw_pipeline.datasets.definitions import TaskDefinitions
from abaw_pipeline.datasets.registry import DatasetSettings
from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.ensembles.settings import EnsembleSettings
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.features.plan import FeaturePlan, plan_feature
from abaw_pipeline.features.registry import FeatureSettings
from abaw_pipeline.features.text.made import TranscriptPlan, plan_transcripts
from abaw_pipeline.features.text.settings import RecogniserSettings
from abaw_pipeline.media.settings import MediaSettings
from abaw_pipeline.runtime.digests import MEMORY as DIGESTS
from abaw_pipeline.runtime.settings import GpuSettings
from abaw_pipeline.strict import Strict
from abaw_pipeline.submission.settings import SubmissionSettings
from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.grids import GridSettings
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.names import fold_names


class Config(Strict):
    """``config.yaml``."""

    presets: list[str] = []
    """Published systems (``workflow/presets``) whose settings stand below these."""
    scale: Literal["full", "demo"] = "full"
    """``demo``: the presets' networks are made small, for the built-in corpus on two cores."""
    merged: bool = False
    """Set in the copies that jobs read: the presets are written out in them."""
    results: str = "results"
    """Folder that everything is written to."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    gpus: GpuSettings = GpuSettings()
    shards: int = Field(4, ge=1, le=512)
    """Jobs per feature; each loads its network once. Changing it repeats no work."""
    libraries: Literal["note", "rerun"] = "note"
    """Another version of a library that computes values: noted in what is made, and named by ``abaw why``
    (``note``); or everything it made is made again (``rerun``)."""
    allow_random_weights: bool = False
    """Networks without a checkpoint may run on seeded random numbers; every artefact then says so."""
    batch: int = Field(32, ge=1)
    """Pictures a batch in extraction."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """How networks compute features: ``auto`` is bfloat16 (autocast) on GPUs that are fast at it, else float32.
    Naming one makes features of their own; ``auto`` leaves those that are there, and each clip notes what it was."""
    compile: bool = False
    """Compile the networks of pictures before they extract: minutes at the start of each job, faster afterwards."""
    tasks: TaskDefinitions = {}
    """Tasks beside the built-in ones, whose labels data sets bring as ``tables``."""
    datasets: Annotated[dict[str, DatasetSettings], Field(min_length=1)]
    media: MediaSettings = MediaSettings()
    transcripts: RecogniserSettings | None = None
    """Speech recogniser that may make transcripts, for features that say ``transcripts: {source: made}``."""
    features: dict[str, FeatureSettings] = {}
    experiments: dict[str, ExperimentSettings] = {}
    grids: dict[str, GridSettings] = {}
    """Feature combinations x encoders, each written out as an experiment ``<grid>_<features>_<encoder>``."""
    ensembles: dict[str, EnsembleSettings] = {}
    submission: SubmissionSettings = SubmissionSettings()

    def plan(self, feature: str) -> FeaturePlan:
        """What making a feature means: its extractor's declared spec and its key."""
        memory, settings = Path(self.results) / DIGESTS, self.features[feature]
        if not isinstance(settings, Stack.Settings):
            return plan_feature(feature, settings, self.allow_random_weights, memory, self.precision)
        stages = {name: self.experiments[name] for name in settings.experiments}
        models = {name: [f"{fold}-{seed}" for fold in fold_names(s) for seed in s.seeds] for name, s in stages.items()}
        stacked = plan_feature(feature, settings.model_copy(update={"models": models}), False, memory)
        below = {name for stage in stages.values() for name in stage.every_feature}
        return replace(stacked, random=any(self.plan(name).random for name in below))

    def plan_transcripts(self) -> TranscriptPlan | None:
        """What making transcripts means; ``None`` where no recogniser is named."""
        memory = Path(self.results) / DIGESTS
        return plan_transcripts(self.transcripts, self.allow_random_weights, memory) if self.transcripts else None

    def first_stage(self, experiment: str) -> list[str]:
        """Experiments whose predictions an experiment is trained on (features of ``stack``)."""
        stacks = [self.features[name] for name in self.experiments[experiment].features]
        names = [name for stack in stacks if isinstance(stack, Stack.Settings) for name in stack.experiments]
        return list(dict.fromkeys(names))

    def stages(self, experiments: Iterable[str] | None = None) -> list[str]:
        """Experiments (all of them, if none are named) and their first stages, each after its own."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            for first in self.first_stage(name):
                add(first)
            found.setdefault(name)

        for name in self.experiments if experiments is None else experiments:
            add(name)
        return list(found)

    def matching(self, patterns: Sequence[str]) -> list[str]:
        """Experiments, then ensembles, that members' names stand for, in the order of the settings.

        A name that both bear is the experiment's.
        """
        experiments = [name for name in self.experiments if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
        return experiments + [name for name in self.ensembles if name in patterns and name not in self.experiments]

    def members(self, ensemble: str) -> dict[str, ExperimentSettings | EnsembleSettings]:
        """Members of an ensemble, wildcards written out."""
        known: dict[str, ExperimentSettings | EnsembleSettings] = {**self.ensembles, **self.experiments}
        return {name: known[name] for name in self.matching(self.ensembles[ensemble].named)}

    def member_columns(self, ensemble: str) -> dict[str, list[str]]:
        """By column of its task the members that an ensemble takes."""
        settings = self.ensembles[ensemble]
        columns = TASKS[settings.read].columns
        return {column: self.matching(settings.columns.get(column, settings.members)) for column in columns}

    def below(self, ensemble: str) -> dict[str, ExperimentSettings]:
        """Experiments that an ensemble is made of, those of its member ensembles included."""
        found: dict[str, ExperimentSettings] = {}
        for name, settings in self.members(ensemble).items():
            found.update({name: settings} if isinstance(settings, ExperimentSettings) else self.below(name))
        return found

    def runs_below(self, ensemble: str) -> dict[str, set[tuple[str, int]]]:
        """Fold and seed of every model that an ensemble takes, by experiment."""
        found: dict[str, set[tuple[str, int]]] = {}
        for name, settings in self.members(ensemble).items():
            if isinstance(settings, ExperimentSettings):
                found.setdefault(name, set()).update(model_runs(settings, self.ensembles[ensemble]))
            else:
                for experiment, runs in self.runs_below(name).items():
                    found.setdefault(experiment, set()).update(runs)
        return found

    def chain(self, ensemble: str) -> list[str]:
        """The ensembles that an ensemble is made of, each after its own members, and itself."""
        before = [one for name in self.nested(ensemble) for one in self.chain(name)]
        return list(dict.fromkeys([*before, ensemble]))

    def nested(self, ensemble: str) -> list[str]:
        """The ensembles among the members of an ensemble."""
        return [name for name, one in self.members(ensemble).items() if isinstance(one, EnsembleSettings)]

    def chosen_on(self, ensemble: str) -> str | None:
        """The data set that an ensemble makes its choices on; ``None`` where it makes none."""
        trained = sorted({str(settings.dataset) for settings in self.below(ensemble).values()})
        return trained[0] if self.ensembles[ensemble].searches else None

    def ensemble_datasets(self, ensemble: str) -> list[str]:
        """Data sets that an ensemble predicts: those that it, or an ensemble it is a member of, names, the one it makes
        its choices on, and without a name those its members were trained on."""
        named = self.ensembles[ensemble].datasets
        found = set(named or [str(settings.dataset) for settings in self.below(ensemble).values()])
        found.update(filter(None, [self.chosen_on(ensemble)]))
        for other in self.ensembles:
            found.update(self.ensemble_datasets(other) if ensemble in self.nested(other) else ())
        return sorted(found)

    def joined_datasets(self, name: str) -> list[str]:
        """Data sets that a joined submission is written for: its ensembles predict them, and there is a sample file."""
        ensembles = [ensemble for _, ensemble in self.submission.mtl[name]]
        shared = set.intersection(*(set(self.ensemble_datasets(ensemble)) for ensemble in ensembles))
        return [dataset for dataset in self.datasets if dataset in shared and "mtl" in self.datasets[dataset].samples]
