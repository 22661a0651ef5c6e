"""State of ensembles, submissions and the report."""

from __future__ import annotations

from abaw_pipeline.config import Config
from abaw_pipeline.ensembles.blend import blend_key
from abaw_pipeline.ensembles.members import open_members
from abaw_pipeline.features.store import ArrayStore
from abaw_pipeline.runtime.manifests import Manifest
from abaw_pipeline.state.listed import Training
from abaw_pipeline.state.manifests import manifest_or_none
from abaw_pipeline.state.models import ModelsNow
from abaw_pipeline.state.state import MISSING, State
from abaw_pipeline.state.words import clips_in_words, count, few
from abaw_pipeline.submission.asked import Asked
from abaw_pipeline.submission.write import is_made, read_fused, submission_key


class ResultsNow:
    """Everything the settings ask for, as it is now."""

    def __init__(self, config: Config) -> None:
        self.config, self.models = config, ModelsNow(config)
        self.trainings = self.models.trainings

    def members(self, ensemble: str) -> list[Training]:
        """Trainings that an ensemble is made of, those of its member ensembles included."""
        runs = self.config.runs_below(ensemble)
        return [one for one in self.trainings if (one.fold, one.seed) in runs.get(one.experiment, ())]

    def ensemble(self, name: str, dataset: str) -> State:
        members = self.members(name)
        state = State(f"ensemble {name} on {dataset}", inputs=[self.models.prediction(one, dataset) for one in members])
        state.affected = {clip for source in state.inputs for clip in source.affected}
        state.stale(state.input_reasons())
        layout = self.models.layout(dataset)
        manifest = manifest_or_none(layout.ensemble_manifest(name))
        if manifest is None:
            state.stale(["it was never fused"], MISSING)
        elif state.fine:
            models = [str(one) for one in members]
            changed = sorted({*models} ^ {*manifest.about["models"]})
            state.stale([f"members changed: {few(changed)}"] if changed else [])
            state.affected = self._stale_clips(name, dataset, manifest)
            state.stale(clips_in_words(state.affected, "not fused from these predictions by this code"))
        state.work = "" if state.fine else f"fuse {count(len(state.affected), 'clip')}"
        return state

    def _stale_clips(self, name: str, dataset: str, manifest: Manifest) -> set[str]:
        layout, settings = self.models.layout(dataset), self.config.ensembles[name]
        members = open_members(self.config.members(name), layout, settings)
        store, chosen = ArrayStore(layout.ensemble(name), "snakemake"), manifest.about["choice"]
        models = [model for member in members for model in member.models]
        clips = {clip for model in models for clip in model.manifest.clips if model.role(clip)}
        left_out = {row.clip for row in manifest.skipped}

        def key(clip: str) -> str:
            return blend_key(settings, {member.name: member.contents(clip) for member in members}, chosen)

        return {clip for clip in clips - (left_out - manifest.clips.keys()) if store.key(clip) != key(clip)}

    def submission(self, asked: Asked) -> State:
        layout = self.models.layout(asked.dataset)
        path = layout.submission(asked.name, asked.track)
        fused = [self.ensemble(name, asked.dataset) for name in asked.ensembles.values()]
        state = State(f"submission {path}", inputs=fused)
        state.stale(state.input_reasons())
        index = self.models.data(asked.dataset).index
        state.stale([line for line in index.reasons if line.startswith(("sample file", "gone"))])
        if not path.is_file():
            state.stale(["it was never written"], MISSING)
        elif state.fine:
            sample = layout.sample(asked.track)
            key = submission_key(read_fused(layout, asked), sample, asked.track, self.config.submission)
            state.stale([] if is_made(path, key) else ["its rows, its settings, its code or the file itself changed"])
        state.work = "" if state.fine else "write 1 file"
        return state
