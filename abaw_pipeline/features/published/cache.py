"""Whether published weights are on this machine, and where: in the caches that torch and the hub's own library use."""

from __future__ import annotations

import os
import re
from pathlib import Path

from abaw_pipeline.features.published.entries import ByHand, Download, HubFile, HubModel, Published
from abaw_pipeline.features.published.table import PUBLISHED, published_for
from abaw_pipeline.runtime.digests import remembered_digest
from abaw_pipeline.runtime.keys import file_digest
from abaw_pipeline.strict import nearest

_SHA256 = re.compile("[0-9a-f]{64}")


def entry_of(name: str) -> Published:
    """``ValueError`` with the nearest name where there is none."""
    if name not in PUBLISHED:
        raise ValueError(f"no published weights '{name}'{nearest(name, PUBLISHED)}")
    return PUBLISHED[name]


def cached(source: HubFile | HubModel | Download | ByHand) -> Path | None:
    """File, or folder of a whole model; ``None`` where it is not here. No network is asked."""
    if isinstance(source, ByHand):
        return None
    if isinstance(source, Download):
        path = download_folder() / source.file
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    file = source.file if isinstance(source, HubFile) else "config.json"
    found = try_to_load_from_cache(source.repo, file, revision=source.revision)
    if not isinstance(found, str):
        return None
    if isinstance(source, HubFile):
        return Path(found)
    folder = Path(found).parent
    return folder if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")) else None


def download_folder() -> Path:
    """Where ``torch.hub`` keeps what it downloads (``TORCH_HOME``, ``XDG_CACHE_HOME``)."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub" / "checkpoints"


def check_digest(name: str, path: Path, memory: Path | None = None) -> str:
    """The sha256 of a file of published weights, which must be what is known of it.

    What a hub keeps as a large file is named by its sha256 in the cache of the hub's library.

    Raises:
        ValueError: it is another one.
    """
    found = file_digest(path) if memory is None else remembered_digest(path, memory)
    entry, blob = entry_of(name), path.resolve().name
    expected = entry.sha256 or entry.sha256_prefix or (blob if _SHA256.fullmatch(blob) else "")
    if not found.startswith(expected):
        raise ValueError(f"{path}: its sha256 is {found}, that of '{name}' begins with {expected}; remove the file")
    return found


def published_file(name: str, memory: Path | None = None) -> tuple[Path, str]:
    """The file of published weights on this machine, and its sha256.

    Args:
        memory: file that remembers digests (``runtime/digests.py``); ``None``: the file is read.

    Raises:
        ValueError: no such name, another digest than is known, or not here: then licence and source are named.
    """
    entry = entry_of(name)
    path = cached(entry.source)
    if path is None:
        raise ValueError(f"weights: not here: {offer(name, entry)}")
    return path, check_digest(name, path, memory)


def require_for(name: str, extractor: str, field: str) -> None:
    """Raises ``ValueError`` where these weights do not serve that field of that extractor."""
    known = published_for(extractor, field)
    if name not in known:
        raise ValueError(f"{field}: no published weights '{name}' for '{extractor}'{nearest(name, known)}")


def offers(extractor: str, field: str) -> str:
    """What is known for one field of an extractor, to stand behind a message that asks for weights."""
    known = "; ".join(offer(name, entry) for name, entry in published_for(extractor, field).items())
    return f". Known by name ({{source: published, name: ...}}): {known}" if known else ""


def offer(name: str, entry: Published) -> str:
    """Name, licence and source of weights, and how to get them, in a few words."""
    if isinstance(entry.source, ByHand):
        return f"'{name}' ({entry.licence}), no program can fetch them: {entry.source}"
    return f"'{name}' ({entry.licence}), from {entry.source}, by 'abaw weights fetch {name}'"
