"""What no earlier run tells is tried: on the user's clips, with random weights where the settings say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from abaw_pipeline.cli import main
from abaw_pipeline.config import Config
from abaw_pipeline.demo.corpus import write_corpus
from abaw_pipeline.planning import training_trial
from abaw_pipeline.planning.plan import plan
from abaw_pipeline.planning.rates import TRIAL
from abaw_pipeline.planning.stages import Stages
from abaw_pipeline.planning.trial import tried
from abaw_pipeline.tasks import TASKS
from tests.finished_results import config_of
from tests.small_trainings import small

CPU = lambda: torch.device("cpu")  # noqa: E731


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plan") / "data"
    write_corpus(root, 6, 3, seconds=(0.8, 1.2), workers=1)
    return root


def _config(corpus: Path, results: Path, **changes: Any) -> Config:
    dataset = {
        "adapter": "affwild2",
        "root": str(corpus),
        "tasks": ["va"],
        "test_lists": {"va": "names_of_videos_in_each_test_set/va_test_set_release.txt"},
        "samples": {"va": "sample_submission/va.txt"},
    }
    return config_of(results, datasets={"demo": dataset}, **changes)


def test_every_stage_that_takes_time_is_tried_and_nothing_is_left_behind(corpus: Path, tmp_path: Path) -> None:
    stages = Stages(_config(corpus, tmp_path / "results"))
    lacking = [work for work in stages.works() if work.amount]
    rates = tried(stages, lacking, CPU, budget_s=0.1)
    assert {work.stage for work in lacking} == {"media", "extract", "train", "infer"}
    assert len(rates) == len(lacking) and all(rate.source == TRIAL and rate.speed > 0 for rate in rates.values())
    assert not (tmp_path / "results" / "demo").exists()


def test_a_feature_made_from_files_is_not_tried(corpus: Path, tmp_path: Path) -> None:
    features = {
        "made": {"extractor": "external", "format": "npy", "path": "{clip}.npy", "dimension": 3, "modality": "visual"}
    }
    experiments = {"x": {"task": "va", "features": ["made"], "encoder": {"name": "gru", "hidden": 8}}}
    ensembles = {"va": {"task": "va", "members": ["x"]}}
    stages = Stages(
        _config(corpus, tmp_path / "results", features=features, experiments=experiments, ensembles=ensembles)
    )
    work = next(one for one in stages.works() if one.stage == "extract")
    assert work.amount and tried(stages, [work], CPU, budget_s=0.1) == {}


@pytest.mark.parametrize("task", ["va", "expr", "au", "eri"])
@pytest.mark.parametrize("changes", [{}, {"schedule": {"name": "plateau"}, "select": {"name": "last"}}])
def test_a_training_of_any_task_is_tried_at_its_own_sizes(
    task: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, device = small(task=task, epochs=9, early_stop=1, **changes), torch.device("cpu")
    note = training_trial.FeatureNote("lin", "", 6, "visual", False)
    side = training_trial._random_side(settings, [6], settings.batch)
    rows = sum(side.clips.lengths)
    assert rows == training_trial.STEPS * settings.segment * settings.batch == len(side.clips.values)
    assert side.tasks[task].values.shape == (rows if TASKS[task].level == "frame" else 4, TASKS[task].width)
    told: list[int] = []
    fit = training_trial.fit

    def counted(*inputs: Any, tell: Any, **more: Any) -> Any:
        return fit(*inputs, **more, tell=lambda history: (told.append(len(history)), tell(history)))

    monkeypatch.setattr(training_trial, "fit", counted)
    standard = training_trial.Standard(torch.zeros(6), torch.ones(6))
    assert training_trial._epoch_seconds(settings, [note], side, standard, device, budget_s=60.0) > 0
    assert told == [1, 2, 3][: len(told)] and len(told) >= 2  # early_stop may end it before the third


def test_without_a_trial_what_nobody_knows_stays_open(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(corpus, tmp_path / "results")
    made = plan(config, CPU, trial=False)
    assert {line.work.stage for line in made.unknown} == {"media", "extract", "train", "infer"} and made.start_s == 0
    file = tmp_path / "config.yaml"
    file.write_text(config.model_dump_json(exclude_unset=True))
    main(["--config", str(file), "plan", "--no-trial", "--cores", "3"])
    told = capsys.readouterr().out
    frames = sum(line.work.amount or 0 for line in made.lines if line.work.stage == "media")
    assert told.startswith(f"demo: {frames:,} frames in 6 clips (") and f"jobs:      {made.new} to run, 0 done" in told
    assert "on 3" in told and f"{len(made.unknown)} lines of unknown length" in told


def test_a_data_set_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(_config(tmp_path / "none", tmp_path / "results").model_dump_json(exclude_unset=True))
    with pytest.raises(SystemExit) as stop:
        main(["--config", str(file), "plan"])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and len(said.splitlines()) == 1 and "datasets.demo.root: no folder" in said
