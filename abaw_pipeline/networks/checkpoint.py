"""Weights into a network: from a file, a hub or a seed, and a clear word where a checkpoint does not fit."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from abaw_pipeline.features.published.cache import published_file
from abaw_pipeline.features.weights import FileWeights, HubWeights, PublishedWeights, RandomWeights
from abaw_pipeline.networks.random_weights import randomise
from abaw_pipeline.runtime.hub import hub_file
from abaw_pipeline.runtime.keys import file_digest

N = TypeVar("N", bound=nn.Module)
State = dict[str, torch.Tensor]

_WRAPPERS = ("state_dict", "model", "model_state_dict")
_PREFIXES = ("module.", "model.")
_COUNTER = "num_batches_tracked"  # of BatchNorm; no value depends on it


def load_weights(
    network: N,
    weights: FileWeights | HubWeights | PublishedWeights | RandomWeights | None,
    shape: tuple[int, ...],
    ignored: tuple[str, ...] = (),
    translate: Callable[[State], State] | None = None,
) -> N:
    """Fill ``network`` and set it to inference mode.

    Args:
        shape: of one input, such as ``(C, h, w)``; random weights are scaled on it.
        ignored: prefixes of keys that a checkpoint may have and the network does not need (a classifier).
        translate: gives the state dict the network's key names where the checkpoint has another layout; it sees the
            state without wrappers and without what is ignored.

    Raises:
        ValueError: no weights, none here, an unreadable file, another digest than declared, or keys that do not fit.
    """
    if weights is None:
        raise ValueError(f"{type(network).__name__} needs weights: a file, a hub, or random")
    if isinstance(weights, RandomWeights):
        randomise(network, weights.seed, shape)
        return network
    path = _path(weights)
    state = {key: value for key, value in read_state(path).items() if not key.startswith(ignored or "\0")}
    state = translate(state) if translate else state
    _check_fit(network, state, str(path))
    network.load_state_dict(state, strict=False)  # what may be missing was decided by _check_fit
    return network.eval()


def _path(weights: FileWeights | HubWeights | PublishedWeights) -> Path:
    """The file, fetched from a hub where it must be; its digest is compared with what is known of it."""
    if isinstance(weights, PublishedWeights):
        return published_file(weights.name)[0]
    if isinstance(weights, HubWeights):
        path = hub_file(weights.repo, weights.file, weights.revision)
    else:
        path = Path(weights.path)
    if weights.sha256 and (found := file_digest(path)) != weights.sha256:
        raise ValueError(f"{path}: its sha256 is {found}, the settings say {weights.sha256}")
    return path


def read_state(path: Path) -> State:
    """The state dict of a ``.safetensors`` or torch file, without wrappers (``{"state_dict": ...}``, ``module.``).

    Raises:
        ValueError: the file is missing, damaged, or holds pickled objects instead of tensors.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such weights file")
    try:
        raw = load_file(path) if path.suffix == ".safetensors" else _torch_file(path)
    except pickle.UnpicklingError:
        raise ValueError(f"{path}: it holds more than a state dict, or is damaged; save its state dict alone") from None
    except (SafetensorError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path}: not a readable weights file ({' '.join(str(error).split())[:160]})") from None
    return _unwrapped(raw, path)


def _torch_file(path: Path) -> Any:
    """Tensors and plain values; and the parsed command line that training programs save beside them (``args``)."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, "cpu", weights_only=True)


def _unwrapped(raw: Any, path: Path) -> State:
    while isinstance(raw, Mapping) and (inside := [key for key in _WRAPPERS if isinstance(raw.get(key), Mapping)]):
        raw = raw[inside[0]]
    if not isinstance(raw, Mapping) or not raw or not all(isinstance(v, torch.Tensor) for v in raw.values()):
        raise ValueError(f"{path}: no state dict in it (a mapping of parameter names to tensors)")
    state = dict(raw)
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _check_fit(network: nn.Module, state: State, source: str) -> None:
    """Raise ``ValueError`` where names or shapes differ; batch counters, which older files lack, do not count."""
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in state and not key.endswith(_COUNTER)]
    unexpected = [key for key in state if key not in wanted]
    shaped = [
        f"{key} is {_shape(state[key])}, not {_shape(wanted[key])}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    if not (missing or unexpected or shaped):
        return
    found = (("missing", missing), ("unexpected", unexpected), ("mis-shaped", shaped))
    counts = ", ".join(f"{len(keys)} {kind}" for kind, keys in found)
    first = "; ".join(f"{kind}: {', '.join(keys[:5])}" for kind, keys in found if keys)
    cause = _likely_cause(missing, unexpected, shaped, len(wanted))
    raise ValueError(f"{source}: does not fit {type(network).__name__}: {counts} keys; {first}; {cause}")


def _likely_cause(missing: list[str], unexpected: list[str], shaped: list[str], total: int) -> str:
    prefix = _common_prefix(missing, unexpected)
    if prefix:
        return f"likely cause: its keys carry the prefix '{prefix}'; save them without it"
    if len(missing) > total // 2:
        return "likely cause: it is another network's checkpoint"
    if missing and len(missing) == len(unexpected):
        return "likely cause: keys were renamed; rename them back"
    if shaped and not missing:
        return "likely cause: the same network in another size, or with another number of classes"
    if unexpected and not missing:
        return "likely cause: a larger network, or one with further heads"
    return "likely cause: an incomplete checkpoint, or another depth of the same network"


def _common_prefix(missing: list[str], unexpected: list[str]) -> str:
    """The prefix without which every unexpected key would be a missing one; empty where there is none."""
    if not missing or not unexpected:
        return ""
    ends = [key for key in unexpected if key.endswith(missing[0])]
    prefix = ends[0].removesuffix(missing[0]) if ends else ""
    wanted = set(missing)
    named = (key.removeprefix(prefix) for key in unexpected if not key.endswith(_COUNTER))
    return prefix if prefix and all(key in wanted for key in named) else ""


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
