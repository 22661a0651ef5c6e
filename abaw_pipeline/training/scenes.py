"""One scene's part of a fold: the training side shrinks to the clips of the scene, the other side stays whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from abaw_pipeline.runtime.keys import digest
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.progress import progress
from abaw_pipeline.training.card import SceneNote
from abaw_pipeline.training.sources import Sources
from abaw_pipeline.training.splits.folds import Fold
from abaw_pipeline.training.splits.scenes import clip_vector, divide
from abaw_pipeline.training.splits.settings import SceneSettings
from abaw_pipeline.types import Skipped


def scene_side(
    fold: Fold, scene: int, joined: Collection[str], settings: SceneSettings, sources: Sources
) -> tuple[Fold, SceneNote, list[Skipped]]:
    """What the model of a scene is trained on; clips without a vector train none, and are reported.

    Args:
        fold: both sides, whole.
        scene: counted from 1.
        joined: clips of other data sets; they train every scene's model.
        sources: the feature that scenes are told apart by, and nothing else.

    Raises:
        ValueError: fewer clips than scenes, or a store that holds something else than its manifest says.
    """
    own = [clip for clip in fold.train if clip not in joined]
    kept, skipped = sources.usable(own, "train")
    vectors = {clip: clip_vector(sources.read(clip)[0]) for clip in progress(kept, "read scenes")}
    known = {clip: vector for clip, vector in vectors.items() if vector is not None}
    skipped += [Skipped(clip, "train", f"no valid frame of '{settings.feature}'") for clip in kept if clip not in known]
    mine = divide(known, settings)[scene - 1]
    learns = {*mine.clips, *joined}
    train = [clip for clip in fold.train if clip in learns]
    contents = digest({clip: sources.contents(clip)[0] for clip in kept})
    note = SceneNote(sources.notes[0], contents, [clip for clip in fold.train if clip not in learns])
    return replace(fold, train=train, notes=[*fold.notes, *mine.notes]), note, skipped


def scene_contents(manifest: Manifest, clips: Iterable[str]) -> str:
    """``SceneNote.contents`` by the feature's manifest as it is now."""
    return digest({clip: manifest.clips[clip]["content"] for clip in clips if clip in manifest.clips})
