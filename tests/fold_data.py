"""Made-up data sets to be split into folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from abaw_pipeline.datasets.names import person
from abaw_pipeline.training.settings import ExperimentSettings
from abaw_pipeline.training.splits.folds import Fold, joint_splits, split
from abaw_pipeline.training.splits.names import fold_names
from abaw_pipeline.types import Clip

NAMES = ("{}", "video{}_1", "{}-30-640x360")
PEOPLE = (("",), ("_left", "_right"), ("", "_right"), ("", "_left"), ("_left",))
"""What a recording's clips add to its name: one person, then Aff-Wild2's four patterns of two."""


@dataclass(frozen=True)
class Data:
    """Clips of the task ``va``, and annotated frames by clip id."""

    clips: list[Clip]
    counts: dict[str, int]

    @property
    def recording(self) -> dict[str, str]:
        return {clip.id: clip.recording for clip in self.clips}

    def ids(self, *sides: str) -> list[str]:
        return sorted(clip.id for clip in self.clips if clip.splits.get("va") in sides)

    def frames(self, ids: list[str]) -> int:
        return sum(self.counts.get(clip, 0) for clip in ids)


def clips_of(splits: dict[str, str]) -> list[Clip]:
    """Clips of these names and splits, grouped as Aff-Wild2's are."""
    return [Clip(id=clip, recording=person(clip, splits.keys())[0], splits={"va": splits[clip]}) for clip in splits]


@st.composite
def datasets(draw: st.DrawFn, least: int = 6) -> Data:
    """At least ``least`` recordings of training clips and one of validation clips; some are divided between splits."""
    splits: dict[str, str] = {}
    for number in range(draw(st.integers(least + 1, 14))):
        base = draw(st.sampled_from(NAMES)).format(number)
        usual = (
            "val" if number == 0 else "train" if number <= least else draw(st.sampled_from(["train", "val", "test"]))
        )
        for end in draw(st.sampled_from(PEOPLE)):
            divided = number > least and draw(st.booleans())
            splits[base + end] = draw(st.sampled_from(["train", "val"])) if divided else usual
    clips = [*clips_of(splits), Clip(id="expr", recording="expr", splits={"expr": "train"})]
    lengths = st.one_of(st.just(0), st.integers(1, 500), st.integers(5000, 9000))
    counts = {clip: draw(lengths) for clip, side in splits.items() if side != "test"}
    return Data(draw(st.permutations(clips)), counts)


def experiment(folds: dict[str, Any], **more: Any) -> ExperimentSettings:
    raw = {"task": "va", "features": ["a"], "encoder": {"name": "gru"}, "folds": folds, **more}
    return ExperimentSettings.model_validate(raw)


def folds_of(data: Data, **folds: Any) -> dict[str, Fold]:
    """Every fold of a scheme."""
    settings = experiment(folds, select={"name": "last"})
    splits = joint_splits(data.clips, ["va"])
    return {name: split(data.clips, splits, settings.folds, name, data.counts) for name in fold_names(settings)}
