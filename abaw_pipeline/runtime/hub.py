"""Files of a Hugging Face hub, by its library: so its cache, and HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from abaw_pipeline.runtime.storage import writing

_TRANSPORTS = ("httpx", "httpx2", "requests")
"""What its versions speak to a server with, and whose errors they let through where a connection breaks."""


def hub_file(repo: str, file: str, revision: str) -> Path:
    """One file, from the cache or fetched; what a broken connection left is gone on with.

    Raises:
        ValueError: the hub does not give it, or is not reached.
        CannotWrite: the cache is full or read-only.
    """
    from huggingface_hub import hf_hub_download

    return _asked(f"hub file {repo}/{file}@{revision}", lambda: hf_hub_download(repo, file, revision=revision))


def hub_model(repo: str, revision: str) -> Path:
    """The folder of a whole model of transformers: its weights as safetensors, or as a state dict where there are none.

    Raises:
        ValueError, CannotWrite: as ``hub_file``.
    """
    from huggingface_hub import snapshot_download

    for kind in ("*.safetensors", "*.bin"):
        wanted = ["*.json", "*.txt", "*.model", kind]
        folder = _asked(
            f"hub model {repo}@{revision}",
            lambda: snapshot_download(repo, revision=revision, allow_patterns=wanted),  # noqa: B023
        )
        if any(folder.glob(kind)):
            break
    return folder


def _asked(what: str, ask: Callable[[], str]) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    known = (HfHubHTTPError, LocalEntryNotFoundError, OSError)
    with writing(Path(HF_HUB_CACHE)):
        try:
            return Path(ask())
        except Exception as error:
            if not (isinstance(error, known) or type(error).__module__.split(".")[0] in _TRANSPORTS):
                raise
            raise ValueError(f"{what}: {' '.join(str(error).split())[:200]}") from None
