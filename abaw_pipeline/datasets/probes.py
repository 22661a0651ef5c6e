"""What the containers of many recordings tell."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from abaw_pipeline.datasets.probe import Probe, probe
from abaw_pipeline.runtime.cores import cores
from abaw_pipeline.runtime.progress import progress

_ALONE = 20
"""So many recordings are read before a second process would have started."""


def probes(paths: Iterable[str], stage: str) -> dict[str, Probe | ValueError]:
    """By path what ``probe`` gives, or why it cannot.

    Args:
        stage: what the bar of progress is called.
    """
    wanted = sorted(set(paths))
    if len(wanted) <= _ALONE:
        return {path: _probed(path) for path in wanted}
    # Processes: threads would fight for Python's lock at every packet, and take twice as long as one.
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        probed = pool.map(_probed, wanted, chunksize=4)
        return dict(zip(wanted, progress(probed, stage, "recording", len(wanted)), strict=True))


def _probed(path: str) -> Probe | ValueError:
    try:
        return probe(path)
    except ValueError as error:
        return error
