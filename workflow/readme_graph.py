"""Put the rule graph on standard input (mermaid) between the marks in README.md. Used by `make graph`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

MARKS = re.compile(r"(```mermaid\n).*?(```)", re.DOTALL)


def plain(graph: str) -> str:
    """The graph without colours, its rules numbered as Snakemake did."""
    lines = [line.replace("\t", "  ") for line in graph.splitlines() if not line.strip().startswith("style")]
    return "\n".join(lines[lines.index("flowchart TB") :]) + "\n"


if __name__ == "__main__":
    readme = Path("README.md")
    graph = plain(sys.stdin.read())
    readme.write_text(MARKS.sub(lambda match: match[1] + graph + match[2], readme.read_text(), count=1))
