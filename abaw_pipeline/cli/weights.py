"""``abaw weights`` and ``abaw weights fetch NAME``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.features.published.states import Line


@click.group("weights", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List weights: present, missing or random, under which licence, and where they come from."""
    if context.invoked_subcommand is not None:
        return
    from abaw_pipeline.features.published.states import asked, known

    run: Run = context.obj
    if run.file.is_file():
        from abaw_pipeline.settings_file import parsed, read

        config = parsed(read(run.file, run.overrides), str(run.file))  # not planned: what is missing would stop that
        _show(f"in {run.file}", ("feature", "state", "extractor"), list(asked(config.features)))
    _show("known", ("name", "state", "for"), known())


@command.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def fetch_verb(names: tuple[str, ...]) -> None:
    """Get published weights, verify them, and say where they lie; a broken download is gone on with."""
    from abaw_pipeline.features.published.cache import entry_of
    from abaw_pipeline.features.published.fetch import fetch

    entries = {name: entry_of(name) for name in names}
    for name, entry in entries.items():
        path, sha256 = fetch(name)
        digest = f", sha256 {sha256}" if sha256 else ""
        click.echo(f"{name}: {path} ({entry.licence}{digest})")


@command.command("show")
@click.argument("name")
def show_verb(name: str) -> None:
    """All that is known of published weights: what they serve, what their network was trained to see, their keys."""
    from abaw_pipeline.features.published.cache import cached, entry_of

    entry = entry_of(name)
    for label, text in (
        ("for", ", ".join(entry.features)),
        ("from", entry.source),
        ("here", cached(entry.source) or "missing"),
        ("licence", f"{entry.licence.name} (commercial use {entry.licence.commercial})"),
        ("sha256", entry.sha256 or (f"begins with {entry.sha256_prefix}" if entry.sha256_prefix else "not known")),
        ("input", entry.input),
        ("keys", entry.keys),
    ):
        click.echo(f"{label + ':':<9}{text}")


def _show(title: str, heads: tuple[str, str, str], lines: list[Line]) -> None:
    """A table: one line a set of weights."""
    rows = [(*heads, "licence", "commercial use", "from")]
    rows += [(line.name, line.state, line.serves, line.licence, line.commercial, line.source) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    click.echo(f"{title}: {len(lines)} sets of weights")
    for row in rows:
        click.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
