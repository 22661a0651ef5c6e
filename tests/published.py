"""Public checkpoints as names and shapes: from lists, from libraries, or written out; with seeded values in them."""

from __future__ import annotations

import math
from pathlib import Path
from zlib import crc32

import pytest
import torch

Shapes = dict[str, tuple[int, ...]]

KEYS = Path(__file__).resolve().parents[2] / "shared" / "reference" / "state_dict_keys"
COUNTER = "num_batches_tracked"  # of BatchNorm; a checkpoint may lack it
_SPREAD = 9973


def published_keys(name: str) -> Shapes:
    """A public checkpoint of a network that no library defines."""
    path = KEYS / f"{name}.txt"
    if not path.is_file():
        pytest.skip("the lists of published keys are not on this machine")
    rows = (line.split() for line in path.read_text().splitlines())
    return {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape in rows}


def shapes_of(network: torch.nn.Module) -> Shapes:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def seeded(shapes: Shapes) -> dict[str, torch.Tensor]:
    """A state dict whose tensors are pieces of one stretch of noise: other values for each key, and a small file."""
    longest = max(math.prod(shape) for shape in shapes.values())
    noise = torch.randn(_SPREAD + longest, generator=torch.Generator().manual_seed(0))
    start = {key: crc32(key.encode()) % _SPREAD for key in shapes}
    return {
        key: torch.tensor(3) if key.endswith(COUNTER) else noise[start[key] :][: math.prod(shape)].view(shape)
        for key, shape in shapes.items()
    }


def affine(name: str, *shape: int) -> Shapes:
    """Weight ``shape`` and bias of a layer or norm."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {f"{prefix}.{key}": shape for key, shape in shapes.items()}


def inception(identities: int) -> Shapes:
    """facenet-pytorch's file: with the classifier over the people it was trained on."""
    return published_keys("inception_resnet_v1") | affine("logits", identities, 512)


def vit_blocks(depth: int, width: int, apart: bool = False) -> Shapes:
    """Blocks of a vision transformer; ``apart``: the biases of queries and values by themselves."""
    bias: Shapes = {"q_bias": (width,), "v_bias": (width,)} if apart else {"qkv.bias": (3 * width,)}
    attention: Shapes = {"qkv.weight": (3 * width, width), **bias, **affine("proj", width, width)}
    mlp = affine("fc1", 4 * width, width) | affine("fc2", width, 4 * width)
    block = affine("norm1", width) | under("attn", attention) | affine("norm2", width) | under("mlp", mlp)
    return {key: shape for number in range(depth) for key, shape in under(str(number), block).items()}


def mae(norm: str = "norm") -> Shapes:
    """timm's file ``vit_base_patch16_224.mae``, and the encoder in Facebook's files."""
    tokens: Shapes = {"cls_token": (1, 1, 768), "pos_embed": (1, 197, 768)}
    embedding = affine("patch_embed.proj", 768, 3, 16, 16)
    return tokens | embedding | under("blocks", vit_blocks(12, 768)) | affine(norm, 768)


def mae_pretraining() -> Shapes:
    """Facebook's file with the decoder (8 blocks of 512)."""
    decoder: Shapes = {"mask_token": (1, 1, 512), "decoder_pos_embed": (1, 197, 512)}
    decoder |= affine("decoder_embed", 512, 768) | under("decoder_blocks", vit_blocks(8, 512))
    return mae() | decoder | affine("decoder_norm", 512) | affine("decoder_pred", 768, 512)


def mae_pytorch(norm: str = "norm") -> Shapes:
    """The encoder of MAE-pytorch, as its fine-tuned files have it."""
    blocks = under("blocks", vit_blocks(12, 768, apart=True))
    return affine("patch_embed.proj", 768, 3, 16, 16) | blocks | affine(norm, 768)


def mae_pytorch_pretraining() -> Shapes:
    """MAE-pytorch's ``pretrain_mae_base_patch16_224``, with the decoder (8 blocks of 384)."""
    decoder = under("blocks", vit_blocks(8, 384, apart=True)) | affine("norm", 384) | affine("head", 768, 384)
    between: Shapes = {"mask_token": (1, 1, 384), "encoder_to_decoder.weight": (384, 768)}
    return under("encoder", mae_pytorch()) | between | under("decoder", decoder)
