"""Files of a Hugging Face hub, by its library: so its cache, and HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def hub_file(repo: str, file: str, revision: str) -> Path:
    """One file, from the cache or fetched; what a broken connection left is gone on with.

    Raises:
        ValueError: the hub does not give it, or is not reached.
    """
    from huggingface_hub import hf_hub_download

    return _asked(f"hub file {repo}/{file}@{revision}", lambda: hf_hub_download(repo, file, revision=revision))


def hub_model(repo: str, revision: str) -> Path:
    """The folder of a whole model of transformers: its weights as safetensors, or as a state dict where there are none.

    Raises:
        ValueError: as ``hub_file``.
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
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(ask())
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(f"{what}: {' '.join(str(error).split())[:200]}") from None
