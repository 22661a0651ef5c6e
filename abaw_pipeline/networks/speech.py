"""wav2vec 2.0 and HuBERT by transformers, built as their public checkpoints are, without asking any hub.

Sources: Baevski et al., wav2vec 2.0, NeurIPS 2020; Hsu et al., HuBERT, IEEE/ACM TASLP 29, 2021. Importing this imports
neither torch nor transformers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from abaw_pipeline.features.weights import Weights

if TYPE_CHECKING:
    from torch import Tensor, nn

Family = Literal["wav2vec2", "hubert"]

KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
CHANNELS = 512
"""Of the convolutions that turn the waveform into rows."""
HOP = math.prod(STRIDES)
"""Samples between rows: 320, so 50 rows a second."""
FIELD = 1 + sum((kernel - 1) * math.prod(STRIDES[:layer]) for layer, kernel in enumerate(KERNELS))
"""Samples that the convolutions of one row see: 400."""

_BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
_GROUP = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}
_LAYER = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}

ARCHITECTURES: dict[Family, dict[str, dict[str, Any]]] = {
    "wav2vec2": {"base": _BASE | _GROUP, "large": _LARGE | _GROUP, "large_lv60": _LARGE | _LAYER},
    "hubert": {"base": _BASE | _GROUP, "large_ll60k": _LARGE | _LAYER},
}
"""``facebook/wav2vec2-{base,large}`` and those fine-tuned from them (``-960h``); ``facebook/wav2vec2-large-lv60``, and
its kin (``-large-960h-lv60``, ``-large-xlsr-53``); ``facebook/hubert-base-ls960``, ``facebook/hubert-large-ll60k``
(``-large-ls960-ft``). All are under Apache-2.0."""

_HEADS = ("lm_head.", "quantizer.", "project_hid.", "project_q.", "projector.", "classifier.")
_MASK = "masked_spec_embed"  # stands in for masked rows while the network is trained
# Weight norm of the positional convolution, as torch spells it since 2.0.
_RENAMED = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}


def speech_network(family: Family, model: str, weights: Weights | None) -> nn.Module:
    """``Wav2Vec2Model`` or ``HubertModel`` with its weights, in inference mode: no dropout, no dropped layer, no mask.

    Raises:
        ValueError: as ``load_weights``, or the file holds the other network.
    """
    from abaw_pipeline.networks.checkpoint import load_weights

    network = build(family, model)
    return load_weights(network, weights, (FIELD,), _HEADS, lambda state: translate(state, family))


def build(family: Family, model: str) -> nn.Module:
    """The network with transformers' own random numbers in it."""
    from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers, which may import torchvision

    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model  # isort: skip

    shape = {"conv_kernel": KERNELS, "conv_stride": STRIDES, "conv_dim": (CHANNELS,) * len(KERNELS)}
    masks = {"apply_spec_augment": False, "mask_time_prob": 0.0, "mask_feature_prob": 0.0, "layerdrop": 0.0}
    options = ARCHITECTURES[family][model] | shape | masks
    if family == "hubert":
        return HubertModel(HubertConfig(**options))
    return Wav2Vec2Model(Wav2Vec2Config(**options))


def translate(state: dict[str, Tensor], family: Family) -> dict[str, Tensor]:
    """Keys of a public checkpoint (of transformers, with or without heads, weight norm in either spelling) to ours."""
    other: Family = "hubert" if family == "wav2vec2" else "wav2vec2"
    if any(key.startswith(f"{other}.") for key in state):
        raise ValueError(
            f"weights: they are of a {other} network, not of {family}; take the extractor that is named so"
        )
    named = {key.removeprefix(f"{family}."): value for key, value in state.items()}
    return {_renamed(key): value for key, value in named.items() if key != _MASK}


def _renamed(key: str) -> str:
    for old, new in _RENAMED.items():
        if key.endswith(old):
            return key.removesuffix(old) + new
    return key
