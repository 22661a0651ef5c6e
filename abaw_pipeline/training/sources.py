"""The features a model reads, as their manifests describe them, and the clips that have all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from abaw_pipeline.features.store import FeatureStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.pool import home_of
from abaw_pipeline.types import FrameTable, Skipped


@dataclass(frozen=True)
class FeatureNote:
    """What a model remembers of a feature it was trained on."""

    name: str
    key: str
    """Key of the extractor, its settings, code and weights."""
    dimension: int
    modality: str
    """``visual``, ``audio`` or ``text``."""
    random_weights: bool


class Sources:
    """The features ``names`` of one data set.

    Args:
        expected: key per feature that the settings in force ask for; ``None``: whatever is there.

    Raises:
        ValueError: a feature that is not extracted, or extracted with other settings than ``expected``.
    """

    def __init__(self, layout: Layout, names: Sequence[str], expected: Mapping[str, str] | None = None) -> None:
        self.names, self._layout = list(names), layout
        verb = f"abaw join {layout.dataset}"
        self._manifests = {name: Manifest.read(layout.feature_manifest(name), f"{verb} {name}") for name in names}
        self._stores = {name: FeatureStore(layout.feature_store(name)) for name in names}
        for note in self.notes:
            if expected is not None and expected.get(note.name) != note.key:
                remedy = f"'abaw extract {layout.dataset} {note.name}' and 'abaw join {layout.dataset} {note.name}'"
                raise ValueError(
                    f"{layout.feature_manifest(note.name)}: '{note.name}' was extracted with other settings or code "
                    f"than asked for now; run {remedy}"
                )

    @property
    def notes(self) -> list[FeatureNote]:
        abouts = [(name, self._manifests[name].about) for name in self.names]
        return [
            FeatureNote(n, a["key"], int(a["spec"]["dimension"]), a["spec"]["modality"], bool(a["random_weights"]))
            for n, a in abouts
        ]

    @property
    def widths(self) -> list[int]:
        """Dimension of each feature."""
        return [note.dimension for note in self.notes]

    def usable(self, clips: Iterable[str], stage: str) -> tuple[list[str], list[Skipped]]:
        """Clips that have every feature, and the others with the reason."""
        kept, skipped = [], []
        for clip in clips:
            lacking = [name for name in self.names if clip not in self._manifests[name].clips]
            if lacking:
                skipped.append(Skipped(clip, stage, f"no feature '{lacking[0]}': {self._why(lacking[0], clip)}"))
            else:
                kept.append(clip)
        return kept, skipped

    def contents(self, clip: str) -> list[str]:
        """Content digest of every feature of a clip."""
        return [self._manifests[name].clips[clip]["content"] for name in self.names]

    def frames(self, clip: str) -> int:
        """Frames of a clip.

        Raises:
            ValueError: its features differ in length.
        """
        rows = {name: int(self._manifests[name].clips[clip]["rows"]) for name in self.names}
        if len(set(rows.values())) > 1:
            raise ValueError(f"{clip}: its features have different numbers of frames ({rows}); extract them again")
        return next(iter(rows.values()))

    def read(self, clip: str) -> list[FrameTable]:
        """The clip's features, in order.

        Raises:
            ValueError: a store that holds something else than its manifest says.
        """
        return [self._stores[n].read(clip, self._manifests[n].clips[clip]["key"]) for n in self.names]

    def _why(self, name: str, clip: str) -> str:
        reasons = [row.reason for row in self._manifests[name].skipped if row.clip == clip]
        return reasons[0] if reasons else f"not extracted yet; run 'abaw extract {self._layout.dataset} {name}'"


class JointSources:
    """The features of one data set and of those that join it in training, whose clips go by ``<data set>/<clip>``.

    Args:
        expected: as in ``Sources``.

    Raises:
        ValueError: as ``Sources``, for any of them; a feature that was extracted otherwise for one than for another.
    """

    def __init__(
        self, layout: Layout, names: Sequence[str], expected: Mapping[str, str] | None, extra: Sequence[str] = ()
    ) -> None:
        self.home = Sources(layout, names, expected)
        self._extra = {name: Sources(Layout(layout.results, name), names, expected) for name in extra}
        for name, other in self._extra.items():
            for own, note in zip(self.home.notes, other.notes, strict=True):
                if own != note:
                    raise ValueError(
                        f"feature '{own.name}' was extracted otherwise for '{name}' than for '{layout.dataset}'; run "
                        f"'abaw extract {name} {own.name}' and 'abaw join {name} {own.name}'"
                    )

    @property
    def notes(self) -> list[FeatureNote]:
        return self.home.notes

    @property
    def widths(self) -> list[int]:
        """Dimension of each feature."""
        return self.home.widths

    def _of(self, clip: str) -> tuple[Sources, str]:
        """Where a clip's features are, and what it is called there."""
        dataset, name = home_of(clip, "", self._extra)
        return self._extra.get(dataset, self.home), name

    def usable(self, clips: Iterable[str], stage: str) -> tuple[list[str], list[Skipped]]:
        """As ``Sources.usable``."""
        kept: list[str] = []
        skipped: list[Skipped] = []
        for clip in clips:
            source, name = self._of(clip)
            lacking = source.usable([name], stage)[1]
            skipped += [replace(row, clip=clip) for row in lacking]
            kept += [] if lacking else [clip]
        return kept, skipped

    def contents(self, clip: str) -> list[str]:
        """As ``Sources.contents``."""
        source, name = self._of(clip)
        return source.contents(name)

    def frames(self, clip: str) -> int:
        """As ``Sources.frames``."""
        source, name = self._of(clip)
        return source.frames(name)

    def read(self, clip: str) -> list[FrameTable]:
        """As ``Sources.read``."""
        source, name = self._of(clip)
        return source.read(name)


def check_same_features(trained: Sequence[FeatureNote], present: Sequence[FeatureNote], model: str) -> None:
    """Refuse features that are not those the model was trained on.

    Raises:
        ValueError: names the first feature that differs, and the remedy.
    """
    for before, now in zip(trained, present, strict=True):
        if asdict(before) != asdict(now):
            raise ValueError(
                f"{model}: feature '{now.name}' was extracted with other settings than the model was trained on; "
                f"run 'abaw train' again, or extract '{now.name}' with the model's settings"
            )
