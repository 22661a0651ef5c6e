"""The data sets that the presets are run on, and what their papers say of how many models there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abaw_pipeline.presets import read_preset

LISTED = {
    "affwild2": ("batch1", 594),  # Aff-Wild2
    "s_affwild2": ("batch1", 547),
    "hume_reaction": ("mp4", 25067),
    "hume_vidmimic2": ("raw", 15000),
    "c_expr_db": ("videos", 56),
}
"""By adapter, how many clips the real data set has about, and the folder that they lie in."""
RANDOM = {"source": "random", "seed": 0}


def data_set(adapter: str, *tracks: str, **more: Any) -> dict[str, Any]:
    samples = {track: f"sample_submission/{track}.{'csv' if track in ('eri', 'emi') else 'txt'}" for track in tracks}
    return {"adapter": adapter, "root": f"data/{adapter}", "samples": samples, "truth": "truth", **more}


def affwild2(task: str) -> dict[str, dict[str, Any]]:
    lists = {task: f"names_of_videos_in_each_test_set/{task}_test_set_release.txt"}
    return {"affwild2": data_set("affwild2", task, tasks=[task], test_lists=lists)}


@dataclass(frozen=True)
class Implied:
    """What a paper implies.

    Attributes:
        trainings: models that are trained.
        why: how they come to be so many.
        submissions: ensembles for whose predictions there is a sample file.
        clips: of the made-up corpus.
    """

    data: dict[str, dict[str, Any]]
    trainings: int
    why: str
    features: int
    submissions: int
    clips: int = 12


IMPLIED = {
    "jnu_abaw3_va": Implied(
        affwild2("va"),
        28,
        "VAP; 5 repetitions x 5 folds of it; GRU; GRU + attention",
        2,
        9,
        clips=13,  # its five folds of the training clips need five annotated recordings there
    ),
    "jnu_abaw3_au": Implied(affwild2("au"), 4, "the four rows of Table 3 before the vote", 1, 5),
    "situtech_abaw4_mtl": Implied(
        {"s_affwild2": data_set("s_affwild2", "mtl", rate=30)}, 8, "(1 LSTM + 3 Transformers) x 2 runs", 8, 1
    ),
    "situtech_abaw5_va": Implied(
        affwild2("va"), 44, "7 for valence + 12 for arousal = 19; 19 again on Train-Val-Mix; 6 folds", 10, 11
    ),
    "hfut_abaw5_eri": Implied(
        {"hume_reaction": data_set("hume_reaction", "eri")},
        11,
        "4 of Table 1, 3 of Table 2, 4 seeds more",
        2,
        1,
    ),
    "hfut_abaw5_expr": Implied(affwild2("expr"), 4, "one on each of three networks, one on all", 3, 1),
    "netease_abaw6_au": Implied(affwild2("au"), 24, "(official split + 5 folds) x 4 scenes", 3, 7),
    "netease_abaw6_expr": Implied(affwild2("expr"), 24, "(official split + 5 folds) x 4 scenes", 3, 7),
    "netease_abaw6_va": Implied(affwild2("va"), 24, "(official split + 5 folds) x 4 scenes", 3, 7),
    "netease_abaw6_ce": Implied(
        affwild2("expr") | {"c_expr_db": data_set("c_expr_db", "ce")}, 24, "those of EXPR", 5, 7
    ),
    "netease_abaw6_emi": Implied(
        {"hume_vidmimic2": data_set("hume_vidmimic2", "emi")}, 24, "(official split + 5 folds) x 4 scenes", 4, 7
    ),
}


def settings(name: str, scale: str) -> dict[str, Any]:
    """Settings of a run: of a made-up corpus at demo scale, of names alone at full scale. Weights are random."""
    data = {key: dict(value) for key, value in IMPLIED[name].data.items()}
    for value in data.values() if scale == "demo" else ():
        value["generate"] = {"clips": IMPLIED[name].clips, "seed": 0}
    weights = {
        feature: random
        for feature, raw in read_preset(name)["features"].items()
        if (random := {key: RANDOM for key in ("weights", "vit", "pca") if key in raw})
    }
    return {
        "presets": [name],
        "scale": scale,
        "results": f"results/{name}",
        "device": "cpu",
        "shards": 1 if scale == "demo" else 16,
        "allow_random_weights": True,
        "datasets": data,
        "features": weights if scale == "full" else {},  # stand-ins have random weights of their own
    }


def write_names(folder: Path, adapter: str) -> None:
    """A listing of the real size: empty files under the names of recordings."""
    place, count = LISTED[adapter]
    home = folder / "data" / adapter / place
    home.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (home / f"{number:05d}.mp4").touch()
