"""One clip more in a data set whose features are done costs the work of that clip, however large the data set is."""

from __future__ import annotations

import copy
import json
import shutil

import pytest

from abaw_pipeline.demo.corpus import write_corpus
from tests.project import SETTINGS, Project

FEATURES = ("densenet", "fbank")
TARGETS = [f"results/demo/features/{name}.json" for name in FEATURES]


def _extracted(project: Project) -> dict[str, list[tuple[str, int]]]:
    """Clips and their frames by stage and feature, in the order in which they were made."""
    found: dict[str, list[tuple[str, int]]] = {"media": [], **{name: [] for name in FEATURES}}
    for path in sorted((project.root / "results/journal").glob("*/*.jsonl")):
        name = "media" if path.parent.name == "media" else path.stem.removeprefix("demo-").rpartition("-")[0]
        lines = map(json.loads, path.read_text().splitlines())
        found[name] += [(line["did"], line["size"]) for line in lines if "did" in line]
    return found


def _digests(project: Project) -> dict[str, dict[str, str]]:
    return json.loads((project.root / "results/demo/digests.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("clips", [200])
def test_one_clip_more_costs_the_work_of_one_clip(tmp_path, clips):
    settings = copy.deepcopy(SETTINGS)
    del settings["datasets"]["demo"]["generate"]
    settings["shards"] = 4
    project = Project.copy(tmp_path / "project", settings)
    write_corpus(project.root / "data/demo", clips, 5, seconds=(0.5, 0.8))
    done = project.run("snakemake", "--cores", "2", *TARGETS)
    assert done.returncode == 0, done.stderr
    before, digests = _extracted(project), _digests(project)
    assert {name: len(work) for name, work in before.items()} == dict.fromkeys(before, clips)
    new = "added"
    _copy_clip(project.root / "data/demo", new)
    done = project.run("snakemake", "--cores", "2", *TARGETS)
    assert done.returncode == 0, done.stderr
    after = _extracted(project)
    frames = json.loads((project.root / TARGETS[0]).read_text())["clips"][new]["rows"]
    for name, work in after.items():
        more = [one for one in work if one not in before[name]]
        spent = sum(size for _, size in work) - sum(size for _, size in before[name])
        print(f"{name}: {len(before[name])} clips before; then {more}, {spent} frames for a clip of {frames}")
        assert [clip for clip, _ in more] == [new] and len(work) == clips + 1
        assert spent <= 1.1 * frames
    known = _digests(project)
    read = [path for path in known if known[path] != digests.get(path)]
    assert sorted(path.rpartition("/")[2] for path in read) == [new, f"{new}.mp4"], "no other file was read"


def _copy_clip(data, new: str) -> None:
    label = sorted((data / "VA_Estimation_Challenge/Train_Set").glob("[0-9]*.txt"))[0]
    (video,) = data.glob(f"batch*/{label.stem}.*")
    shutil.copy(label, label.with_name(f"{new}.txt"))
    shutil.copy(video, video.with_name(new + video.suffix))
    shutil.copytree(data / "cropped_aligned" / label.stem, data / "cropped_aligned" / new)
