"""``abaw schema``."""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the JSON schema of config.yaml, for editors."""
    from abaw_pipeline.config import Config

    click.echo(json.dumps(Config.model_json_schema(), indent=1, sort_keys=True))
