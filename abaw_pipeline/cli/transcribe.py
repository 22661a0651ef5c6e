"""``abaw transcribe DATASET``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.features.text.made import TranscriptPlan
    from abaw_pipeline.runtime.paths import Layout
    from abaw_pipeline.types import Clip


@click.command("transcribe")
@click.argument("dataset")
@click.option("--shard", type=click.IntRange(0), help="One shard of the clips; all shards in turn without it.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; as many as there are cores without it.")
@click.pass_obj
def command(run: Run, dataset: str, shard: int | None, threads: int | None) -> None:
    """Write what a speech recogniser hears in each clip, for people to correct; corrected files are kept."""
    from abaw_pipeline.datasets.index import read_clips
    from abaw_pipeline.runtime.paths import shard_of

    config, layout = run.config, run.layout(dataset)
    if shard is not None and shard >= config.shards:
        raise ValueError(f"--shard {shard}: the settings have shards: {config.shards}, counted from 0")
    plan, clips = config.plan_transcripts(), read_clips(layout)
    if plan is None:
        raise ValueError(f"{run.file}: transcripts: missing; name there the recogniser that may make them")
    device = run.device(f"transcribe {dataset}" + ("" if shard is None else f", shard {shard}"), threads)
    for number in range(config.shards) if shard is None else [shard]:
        mine = [clip for clip in clips if shard_of(clip.id, config.shards) == number]
        click.echo(_one_shard(plan, mine, layout, number, device))
    if shard is None:
        click.echo(f"read and correct them in {layout.transcripts}")


def _one_shard(plan: TranscriptPlan, clips: list[Clip], layout: Layout, shard: int, device: Any) -> str:
    """Transcribe, write the shard's manifest, and say what was done in one line."""
    from abaw_pipeline.features.text.transcribe import transcribe
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.runtime.manifests import Manifest
    from abaw_pipeline.runtime.progress import say

    of_media = layout.media_shard(shard)
    media = Manifest.read(of_media, f"abaw media {layout.dataset}") if of_media.is_file() else None
    journal = Journal(layout.journal("transcribe", str(shard)))
    manifest = transcribe(plan, clips, layout, device, media, journal)
    for row in manifest.skipped:
        say(f"{row.clip}: not transcribed: {row.reason}")
    manifest.write(layout.transcripts_shard(shard))
    note = " (random weights)" if plan.random else ""
    corrected = sum(entry["corrected"] for entry in manifest.clips.values())
    by_hand = f", {corrected} of them corrected by hand" if corrected else ""
    left_out = f", {len(manifest.skipped)} left out" if manifest.skipped else ""
    return f"transcripts{note}: {journal.sentence('transcribed', len(manifest.clips))}{by_hand}{left_out}"
