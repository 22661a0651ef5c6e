"""Published weights onto this machine, whole and verified, into the caches that torch and the hub's library use."""

from __future__ import annotations

import os
import sys
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from abaw_pipeline.features.published.cache import cached, check_digest, download_folder, entry_of, offer
from abaw_pipeline.features.published.entries import ByHand, Download, HubFile, HubModel
from abaw_pipeline.runtime.hub import hub_file, hub_model
from abaw_pipeline.runtime.storage import writing

BLOCK = 1 << 20
"""Bytes read at once."""
PART, RANGE_REFUSED = 206, 416
"""What a server answers to a request for the rest of a file."""
PATIENCE_S = 60
"""How long a server may be silent."""


def fetch(name: str) -> tuple[Path, str | None]:
    """Get one set of weights; what is here already is verified again and stays.

    Returns:
        file, or folder of a whole model; sha256 of the file.

    Raises:
        ValueError: an unknown name, weights that no program can fetch, no connection, or another digest.
        CannotWrite: the cache is full or read-only.
    """
    entry = entry_of(name)
    if isinstance(entry.source, ByHand):
        raise ValueError(f"{offer(name, entry)}; when you have the file: {{source: file, path: ...}}")
    if isinstance(entry.source, HubModel):
        return hub_model(entry.source.repo, entry.source.revision), None
    path = _file(entry.source)
    try:
        return path, check_digest(name, path)
    except ValueError as error:
        path.resolve().unlink()  # in the hub's cache it is a link to the file
        path.unlink(missing_ok=True)
        raise ValueError(f"{str(error).removesuffix('; remove the file')}; it was removed") from None


def _file(source: HubFile | Download) -> Path:
    if isinstance(source, HubFile):
        return hub_file(source.repo, source.file, source.revision)
    path = cached(source) or download_folder() / source.file
    if not path.is_file():
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise ValueError(f"{source.url}: not here, and HF_HUB_OFFLINE forbids to fetch it")
        download(source.url, path)
    return path


def download(url: str, path: Path) -> None:
    """A file from an address; what an earlier try left (``.partial``) is gone on with.

    Raises:
        ValueError: no connection, refused, or broken off: then what came is kept.
        CannotWrite: no space, or no leave to write.
    """
    partial = path.with_name(f"{path.name}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _go_on(url, partial)
        except (HTTPException, URLError, TimeoutError, ConnectionError) as error:
            kept = f"; run again to go on from byte {partial.stat().st_size}" if partial.is_file() else ""
            raise ValueError(f"{url}: {getattr(error, 'reason', None) or error or 'no answer'}{kept}") from None
        partial.replace(path)


def _go_on(url: str, partial: Path) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urlopen(request, timeout=PATIENCE_S)
    except HTTPError as error:
        if error.code != RANGE_REFUSED:
            raise
        partial.unlink()  # longer than the file: of another one
        return _go_on(url, partial)
    with answer:
        if have and answer.status != PART:  # a server that cannot go on sends all of it
            have = 0
        _copy(answer, partial, have)


def _copy(answer: HTTPResponse, partial: Path, have: int) -> None:
    """The rest of a file behind its first ``have`` bytes; ``ConnectionError`` where less comes than was announced."""
    announced = answer.headers["Content-Length"]
    total = None if announced is None else have + int(announced)
    shown = {"unit": "B", "unit_scale": True, "disable": not sys.stderr.isatty(), "desc": partial.stem}
    with partial.open("ab" if have else "wb") as file, tqdm(initial=have, total=total, **shown) as bar:
        while block := answer.read(BLOCK):
            file.write(block)
            bar.update(len(block))
    if total is not None and partial.stat().st_size != total:
        raise ConnectionError(f"broken off after {partial.stat().st_size} of {total} bytes")
