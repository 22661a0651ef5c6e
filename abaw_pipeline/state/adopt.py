"""``abaw adopt``: code that was changed and gives the same values goes on counting as the code that it was.

For each stage whose code differs from what made the results, some of the results are made again with the code as it is
now, in a folder of their own, and compared with what is kept. Equal: the change is written down in ``adopted.json``
(``runtime/adopted.py``), keys stay what they were, and nothing runs. Not equal: nothing is written, what the code makes
is stale.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abaw_pipeline import __version__
from abaw_pipeline.config import Config
from abaw_pipeline.runtime.adopted import adopt_code, adopted_codes
from abaw_pipeline.runtime.code import own_digest, use_policy
from abaw_pipeline.state.changed import Changed, changes
from abaw_pipeline.strict import nearest

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Verdict:
    """What became of one change of code."""

    line: str
    adopted: bool


def adopt(
    config: Config, names: Collection[str], clips: int, tolerance: float, device: Callable[[], torch.device]
) -> Iterator[Verdict]:
    """Check, and adopt where the check proves it harmless, every change of code, or those that concern ``names``.

    Args:
        names: ``media``, features or experiments of the settings; empty: everything.
        clips: how many clips of each data set are made again (the shortest).
        tolerance: largest difference of a feature's or a prediction's values that is taken for equal; 0: to the bit.

    Raises:
        ValueError: an unknown name.
    """
    known = {"media", *config.features, *config.experiments}
    for name in names:
        if name not in known:
            raise ValueError(f"nothing called '{name}' can be adopted{nearest(name, known)}")
    for change in changes(config, clips, tolerance, device):
        if names and not {*names} & {*change.names}:
            continue
        yield _judge(config, change)


def _judge(config: Config, change: Changed) -> Verdict:
    own = own_digest(*change.modules)
    if own in adopted_codes(Path(config.results)) or own == change.recorded:
        return Verdict(f"{change.what}: nothing to adopt", True)
    with tempfile.TemporaryDirectory(prefix="abaw-adopt-") as folder:
        try:
            checked, difference = change.check(Path(folder))
        except ValueError as error:  # what the check reads is stale or missing: nothing is proved
            checked, difference = "", str(error)
    if difference:
        return Verdict(f"{change.what}: not adopted: {difference}", False)
    proof = {
        "what": change.what,
        "checked": checked,
        "at": _now(),
        "version": __version__,
        "modules": [*change.modules],
    }
    adopt_code(Path(config.results), own, change.recorded, proof)
    use_policy(adopted_codes(Path(config.results)), config.libraries == "rerun")
    return Verdict(f"{change.what}: {checked} made again and equal: adopted", True)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
