"""The encoder of a masked autoencoder: timm's vision transformer, in the form that a checkpoint asks for.

Architecture: He et al., Masked Autoencoders Are Scalable Vision Learners, CVPR 2022. Three layouts are read:

- timm's and Facebook's, which name the encoder alike: a CLS token, positions in the file, and either ``norm`` (over all
  tokens, before pooling) or, fine-tuned on the mean of the patches, ``fc_norm`` (over that mean);
- MAE-pytorch's: no CLS token, sinusoidal positions that are not in the file, ``encoder.`` before the names where the
  decoder is beside it, and the biases of queries and values apart (keys have none).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before timm, which imports torchvision

import timm  # isort: skip

State = dict[str, torch.Tensor]

# Decoder, mask token and classifiers: what a checkpoint may hold beside the encoder.
IGNORED = ("decoder", "encoder_to_decoder.", "mask_token", "encoder.mask_token", "head.", "encoder.head.")
_BIASES = ("attn.q_bias", "attn.v_bias")


def mae_encoder(architecture: str, pooling: Literal["cls", "patches"], **options: Any) -> nn.Module:
    """Pictures ``(B, 3, h, w)`` to features ``(B, D)``; with a CLS token, and one norm over all tokens.

    Args:
        architecture: a vision transformer of timm, such as ``vit_base_patch16_224.mae``.
        pooling: the CLS token, or the mean of the patch tokens.
        options: of timm's network (``depth``, ``embed_dim``, ...).
    """
    pool = {"cls": "token", "patches": "avg"}[pooling]
    return timm.create_model(
        architecture,
        pretrained=False,
        num_classes=0,
        global_pool=pool,
        fc_norm=False,
        weight_init="skip",  # weights follow in any case
        **options,
    )


def take_form(vit: Any, state: State) -> State:
    """Give ``vit``, fresh from ``mae_encoder``, the form that a checkpoint's keys ask for, and these timm's names.

    Args:
        state: the checkpoint without what ``IGNORED`` names.

    Raises:
        ValueError: ``vit`` gives its CLS token, and the checkpoint has none or never trained it.
    """
    if any(key.startswith("encoder.") for key in state):
        state = {key.removeprefix("encoder."): value for key, value in state.items()}
    without_cls = any(key.endswith(_BIASES) for key in state)
    norm_of_mean = "fc_norm.weight" in state
    if vit.global_pool == "token" and (without_cls or norm_of_mean):
        lack = "have no CLS token" if without_cls else "were fine-tuned on the mean of the patches (fc_norm)"
        raise ValueError(f"pooling: 'cls' is not to be had, these weights {lack}; set 'pooling: patches'")
    if norm_of_mean:
        vit.norm, vit.fc_norm = nn.Identity(), vit.norm
    return _without_cls(vit, state) if without_cls else state


def _without_cls(vit: Any, state: State) -> State:
    vit.cls_token, vit.has_class_token, vit.num_prefix_tokens = None, False, 0
    vit.pos_embed = nn.Parameter(sinusoids(vit.pos_embed.shape[1] - 1, vit.embed_dim)[None])
    return {"pos_embed": vit.pos_embed.data, **_joined_biases(state)}


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """``(positions, width)``: sin and cos in turn (Vaswani et al., Attention Is All You Need, section 3.5)."""
    place = torch.arange(positions, dtype=torch.float64)[:, None]
    angle = place / 10_000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1).float()


def _joined_biases(state: State) -> State:
    """``q_bias`` and ``v_bias`` as the one bias of queries, keys and values; that of the keys is zero."""
    joined = dict(state)
    for key in [key for key in state if key.endswith("attn.q_bias")]:
        stem = key.removesuffix("q_bias")
        if f"{stem}v_bias" in joined:  # else both halves are left for the check of keys to name
            query, value = joined.pop(key), joined.pop(f"{stem}v_bias")
            joined[f"{stem}qkv.bias"] = torch.cat([query, torch.zeros_like(query), value])
    return joined
