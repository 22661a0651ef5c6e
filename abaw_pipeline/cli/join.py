"""``abaw join DATASET FEATURE``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run


@click.command("join")
@click.argument("dataset")
@click.argument("feature")
@click.pass_obj
def command(run: Run, dataset: str, feature: str) -> None:
    """Join the manifests of a feature's shards into one."""
    from abaw_pipeline.runtime.manifests import Manifest
    from abaw_pipeline.strict import nearest

    config, layout = run.config, run.layout(dataset)
    if feature not in config.features:
        raise ValueError(f"{run.file}: no feature '{feature}'{nearest(feature, config.features)}")
    shards = [layout.feature_shard(feature, number) for number in range(config.shards)]
    parts = [
        Manifest.read(path, f"abaw extract {dataset} {feature} --shard {number}") for number, path in enumerate(shards)
    ]
    if any(part.about["key"] != config.plan(feature).key for part in parts):
        raise ValueError(
            f"{feature}: a shard was made from other settings; make it again with 'abaw extract {dataset} {feature}'"
        )
    manifest = Manifest.join(parts)
    path = layout.feature_manifest(feature)
    manifest.write(path)
    click.echo(f"{feature}: {len(manifest.clips)} clips of {len(parts)} shards -> {path}")
