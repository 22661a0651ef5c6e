"""``abaw extract DATASET FEATURE``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.config import Config
    from abaw_pipeline.features.plan import FeaturePlan
    from abaw_pipeline.runtime.manifests import Manifest
    from abaw_pipeline.runtime.paths import Layout
    from abaw_pipeline.types import Clip


@click.command("extract")
@click.argument("dataset")
@click.argument("feature")
@click.option("--shard", type=click.IntRange(0), help="One shard of the clips; all shards in turn without it.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; as many as there are cores without it.")
@click.pass_obj
def command(run: Run, dataset: str, feature: str, shard: int | None, threads: int | None) -> None:
    """Extract one feature of a data set; clips whose key matches are left as they are."""
    from abaw_pipeline.datasets.index import read_clips
    from abaw_pipeline.runtime.paths import shard_of
    from abaw_pipeline.strict import nearest

    config, layout = run.config, run.layout(dataset)
    if feature not in config.features:
        raise ValueError(f"{run.file}: no feature '{feature}'{nearest(feature, config.features)}")
    if shard is not None and shard >= config.shards:
        raise ValueError(f"--shard {shard}: the settings have shards: {config.shards}, counted from 0")
    plan, clips = config.plan(feature), read_clips(layout)
    what = f"extract {feature} of {dataset}" + ("" if shard is None else f", shard {shard}")
    kind = None if plan.spec.network else "cpu"
    device = run.device(what, threads, kind=kind)
    for number in range(config.shards) if shard is None else [shard]:
        mine = [clip for clip in clips if shard_of(clip.id, config.shards) == number]
        click.echo(_one_shard(plan, mine, layout, number, device, config))


def _one_shard(plan: FeaturePlan, clips: list[Clip], layout: Layout, shard: int, device: Any, config: Config) -> str:
    """Extract, write the shard's manifest, and say what was done in one line."""
    from abaw_pipeline.features.extract import extract
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.runtime.manifests import Manifest
    from abaw_pipeline.runtime.progress import say

    of_media = layout.media_shard(shard)
    media = Manifest.read(of_media, f"abaw media {layout.dataset}") if of_media.is_file() else None
    journal = Journal(layout.journal("extract", f"{plan.name}-{shard}"))
    manifest: Manifest = extract(plan, clips, layout, device, config.batch, media, journal, config.compile)
    for row in manifest.skipped:
        say(f"{row.clip}: left out of {plan.name}: {row.reason}")
    path = layout.feature_shard(plan.name, shard)
    manifest.write(path)
    note = " (random weights)" if plan.random else ""
    left_out = f", {len(manifest.skipped)} left out" if manifest.skipped else ""
    return f"{plan.name}{note}: {journal.sentence('extracted', len(manifest.clips))}{left_out}"
