"""``abaw features [NAME]``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from abaw_pipeline.cli.tables import table

if TYPE_CHECKING:
    from abaw_pipeline.cli import Run
    from abaw_pipeline.state.overview import Known

WIDTH = 100
_HEAD = ("feature", "modality", "dim", "weights")
_COUNTS = ("done", "stale", "missing", "left out", "size")
_NUMBERS = ("dim", *_COUNTS)


@click.command("features")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Also extractors that the settings do not use.")
@click.option("--dataset", help="Of this data set alone.")
@click.option("--clip", help="Show this clip's values of NAME, and draw them over time.")
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="Where to; <feature>-<clip>.png without it."
)
@click.pass_obj
def command(
    run: Run, name: str | None, everything: bool, dataset: str | None, clip: str | None, picture: Path | None
) -> None:
    """List the features of the settings: what they are, their weights, and how many clips have them.

    Clips are done, stale (made from other settings, code or media), missing, or left out for a reason that 'abaw
    summary' tells. With NAME and --clip: one clip's table in words, and as a heat map.
    """
    from abaw_pipeline.strict import nearest

    config = run.config
    if dataset is not None:
        run.layout(dataset)  # refuses one that the settings lack
    if name is not None and name not in config.features:
        raise ValueError(f"{run.file}: no feature '{name}'{nearest(name, config.features)}")
    if clip is not None and name is None:
        raise ValueError("--clip shows one feature: name it, 'abaw features NAME --clip CLIP'")
    if picture is not None and clip is None:
        raise ValueError("--picture draws one clip: name it with --clip")
    if clip is not None:
        _show(run, str(name), clip, dataset, picture)
        return
    for number, line in enumerate(_overview(run, name, everything, dataset)):
        if line or number:  # no empty line in front
            click.echo(line)


def _overview(run: Run, name: str | None, everything: bool, dataset: str | None) -> Iterator[str]:
    from abaw_pipeline.state.overview import of_settings, of_the_tool

    known = [one for one in of_settings(run.config) if name in (None, one.name)]
    for place in run.config.datasets if dataset is None else [dataset]:
        yield ""
        yield from _of_dataset(run, place, known)
    if everything:
        yield ""
        yield "not in the settings (as by default)"
        yield from table(_HEAD, [_cells(one) for one in of_the_tool(run.config)], _NUMBERS)


def _of_dataset(run: Run, dataset: str, known: Sequence[Known]) -> Iterator[str]:
    from abaw_pipeline.state.models import ModelsNow
    from abaw_pipeline.state.overview import progress
    from abaw_pipeline.state.words import count

    data = ModelsNow(run.config).data(dataset)
    try:
        yield f"{dataset}, {count(len(data.found.clips), 'clip')}"
    except ValueError as error:  # the features can be told all the same
        yield f"{dataset}: {error}"
        yield from table(_HEAD, [_cells(one) for one in known], _NUMBERS)
        return
    rows = []
    for one in known:
        now = progress(data, one.name)
        counts = (now.done, now.stale, now.missing, now.left_out)
        rows.append((*_cells(one), *(str(number or "-") for number in counts), _bytes(now.size)))
    yield from table((*_HEAD, *_COUNTS), rows, _NUMBERS)


def _cells(one: Known) -> tuple[str, ...]:
    name = one.name if one.name == one.extractor else f"{one.name} ({one.extractor})"
    return name, one.modality, str(one.dimension or "?"), one.weights


def _bytes(number: int) -> str:
    return f"{tqdm.format_sizeof(number)}B" if number else "-"


def _show(run: Run, name: str, clip: str, dataset: str | None, picture: Path | None) -> None:
    from abaw_pipeline.report.heatmap import heat_map
    from abaw_pipeline.runtime.files import atomic
    from abaw_pipeline.runtime.names import escape
    from abaw_pipeline.state.shown import shown

    found = shown(run.config, name, clip, dataset)
    path = picture or Path(f"{name}-{escape(clip)}.png")
    title = f"{name} of {found.dataset}/{clip}"
    with atomic(path) as temporary:
        temporary.write_bytes(heat_map(title, found.table, found.clock))
    click.echo(title + (" (random weights)" if found.about["random_weights"] else ""))
    for word, text in [*found.lines(), ("picture", str(path))]:
        margin = f"  {word:<10} "
        click.echo(textwrap.fill(text, WIDTH, initial_indent=margin, subsequent_indent=" " * len(margin)))
