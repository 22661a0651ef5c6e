"""``abaw demo``: write the built-in corpus."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("demo")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--clips", default=24, show_default=True, help="Number of clips; 24 hold every hard case.")
@click.option("--layout", default="affwild2", show_default=True, help="Whose layout: the name of an adapter.")
@click.option("--seed", default=0, show_default=True, help="The same seed writes the same corpus.")
def command(folder: Path, clips: int, seed: int, layout: str) -> None:
    """Write the built-in corpus to DIR, in the layout of any data set that is read: it needs no licence.

    Does nothing where DIR already holds this very corpus, and never touches a folder that holds anything else.
    """
    from abaw_pipeline.demo.corpus import write_corpus

    if write_corpus(folder, clips, seed, layout=layout):
        click.echo(f"{folder}: {clips} clips written")
