"""``abaw media DATASET``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.media.settings import MediaSettings
    from abaw_pipeline.runtime.paths import Layout
    from abaw_pipeline.types import Clip


@click.command("media")
@click.argument("dataset")
@click.option("--shard", type=click.IntRange(0), help="One shard of the clips; all shards in turn without it.")
@click.pass_obj
def command(run: Run, dataset: str, shard: int | None) -> None:
    """Make picture clock, face crops and sound of a data set, and whole pictures where the settings ask for them.

    Clips whose key matches are left as they are.
    """
    from abaw_pipeline.datasets.index import read_clips
    from abaw_pipeline.runtime.paths import shard_of

    config, layout = run.config, run.layout(dataset)
    if shard is not None and shard >= config.shards:
        raise ValueError(f"--shard {shard}: the settings have shards: {config.shards}, counted from 0")
    clips = read_clips(layout)
    for number in range(config.shards) if shard is None else [shard]:
        mine = [clip for clip in clips if shard_of(clip.id, config.shards) == number]
        click.echo(_one_shard(mine, layout, config.media, number))
    for path in layout.media_shards():
        if int(path.stem) >= config.shards:  # left by a run with more shards; its clips are in the others now
            path.unlink(missing_ok=True)


def _one_shard(clips: list[Clip], layout: Layout, settings: MediaSettings, shard: int) -> str:
    """Make the media, write the shard's manifest, and say what was done in one line."""
    from abaw_pipeline.media.build import build_media
    from abaw_pipeline.runtime.journal import Journal
    from abaw_pipeline.runtime.progress import say

    journal = Journal(layout.journal("media", str(shard)))
    manifest = build_media(clips, layout, settings, journal)
    for row in manifest.skipped:
        say(f"{row.clip}: left out: {row.reason}")
    manifest.write(layout.media_shard(shard))
    left_out = f", {len(manifest.skipped)} left out" if manifest.skipped else ""
    return f"media: {journal.sentence('made', len(manifest.clips))}{left_out}"
