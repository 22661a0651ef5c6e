"""Tables that verbs print."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str]) -> Iterator[str]:
    """Lines with columns as wide as they need to be; those that ``numbers`` names stand to the right."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, head, strict=True)
        yield "  " + "  ".join(c.rjust(w) if h in numbers else c.ljust(w) for c, w, h in cells).rstrip()
