"""The MAE encoder in every layout of its weights, against a vision transformer written out in float64."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from abaw_pipeline.features.visual.mae import MAE
from abaw_pipeline.features.weights import FileWeights
from abaw_pipeline.networks.checkpoint import load_weights
from abaw_pipeline.networks.mae import IGNORED, mae_encoder, sinusoids, take_form
from tests.published import Shapes, affine, seeded, under, vit_blocks

SIDE, PATCH, WIDTH, DEPTH, HEADS = 32, 8, 32, 2, 4
PATCHES = (SIDE // PATCH) ** 2
TINY = {"img_size": SIDE, "patch_size": PATCH, "embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
State = dict[str, torch.Tensor]
Pooling = Literal["cls", "patches"]


def _embedding() -> Shapes:
    return affine("patch_embed.proj", WIDTH, 3, PATCH, PATCH)


def _facebook(norm: str) -> State:
    tokens: Shapes = {"cls_token": (1, 1, WIDTH), "pos_embed": (1, PATCHES + 1, WIDTH), "mask_token": (1, 1, 16)}
    blocks = under("blocks", vit_blocks(DEPTH, WIDTH)) | under("decoder_blocks", vit_blocks(1, 16))
    return seeded(tokens | _embedding() | blocks | affine(norm, WIDTH) | affine("head", 8, WIDTH))


def _mae_pytorch(norm: str, prefix: str) -> State:
    encoder = _embedding() | under("blocks", vit_blocks(DEPTH, WIDTH, apart=True)) | affine(norm, WIDTH)
    decoder = under("decoder.blocks", vit_blocks(1, 16, apart=True)) | {"encoder_to_decoder.weight": (16, WIDTH)}
    return seeded({f"{prefix}{key}": shape for key, shape in encoder.items()} | decoder | {"mask_token": (1, 1, 16)})


LAYOUTS = {
    "facebook": _facebook("norm"),
    "facebook, fine-tuned": _facebook("fc_norm"),
    "mae-pytorch": _mae_pytorch("norm", "encoder."),
    "mae-pytorch, fine-tuned": _mae_pytorch("fc_norm", ""),
}


def _network(state: State, pooling: Pooling, path: Path) -> nn.Module:
    torch.save({"model": state}, path)
    vit = mae_encoder("vit_base_patch16_224.mae", pooling, **TINY)
    weights = FileWeights(source="file", path=str(path))
    return load_weights(vit, weights, (3, SIDE, SIDE), IGNORED, partial(take_form, vit))


def _pictures() -> torch.Tensor:
    return torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def _normed(x: torch.Tensor, state: State, name: str) -> torch.Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    return centred / scale * state[f"{name}.weight"] + state[f"{name}.bias"]


def _table() -> torch.Tensor:
    rows = [
        [math.sin(p / 10_000 ** (i / WIDTH)) if i % 2 == 0 else math.cos(p / 10_000 ** ((i - 1) / WIDTH))
         for i in range(WIDTH)]
        for p in range(PATCHES)
    ]  # fmt: skip
    return torch.tensor(rows, dtype=torch.float64)


def _tokens(state: State, pictures: torch.Tensor) -> torch.Tensor:
    rows = pictures.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    tokens = rows @ state["patch_embed.proj.weight"].flatten(1).T + state["patch_embed.proj.bias"]
    if "cls_token" not in state:
        return tokens + _table()
    return torch.cat([state["cls_token"].expand(len(pictures), -1, -1), tokens], 1) + state["pos_embed"]


def _attended(x: torch.Tensor, state: State, name: str) -> torch.Tensor:
    """Softmax of scaled products, head by head; keys may have no bias."""
    weights = state[f"{name}.qkv.weight"].split(WIDTH)
    if f"{name}.q_bias" in state:
        biases = (state[f"{name}.q_bias"], torch.zeros(WIDTH), state[f"{name}.v_bias"])
    else:
        biases = state[f"{name}.qkv.bias"].split(WIDTH)
    queries, keys, values = (
        (x @ weight.T + bias).split(WIDTH // HEADS, -1) for weight, bias in zip(weights, biases, strict=True)
    )
    heads = [
        torch.softmax(q @ k.transpose(1, 2) / math.sqrt(WIDTH // HEADS), -1) @ v
        for q, k, v in zip(queries, keys, values, strict=True)
    ]
    return torch.cat(heads, -1) @ state[f"{name}.proj.weight"].T + state[f"{name}.proj.bias"]


def _written_out(state: State, pictures: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    state = {key.removeprefix("encoder."): value.double() for key, value in state.items()}
    x = _tokens(state, pictures.double())
    for number in range(DEPTH):
        block = f"blocks.{number}"
        x = x + _attended(_normed(x, state, f"{block}.norm1"), state, f"{block}.attn")
        y = _normed(x, state, f"{block}.norm2") @ state[f"{block}.mlp.fc1.weight"].T + state[f"{block}.mlp.fc1.bias"]
        y = y * (1 + torch.erf(y / math.sqrt(2))) / 2
        x = x + y @ state[f"{block}.mlp.fc2.weight"].T + state[f"{block}.mlp.fc2.bias"]
    first = 1 if "cls_token" in state else 0
    if "fc_norm.weight" in state:
        return _normed(x[:, first:].mean(1), state, "fc_norm")
    x = _normed(x, state, "norm")
    return x[:, 0] if pooling == "cls" else x[:, first:].mean(1)


@pytest.mark.parametrize(("layout", "pooling"), [(layout, "patches") for layout in LAYOUTS] + [("facebook", "cls")])
def test_every_layout_gives_what_its_definition_gives(layout: str, pooling: Pooling, tmp_path: Path) -> None:
    network = _network(LAYOUTS[layout], pooling, tmp_path / "w.pth")
    with torch.inference_mode():
        found = network(_pictures())
    expected = _written_out(LAYOUTS[layout], _pictures(), pooling)
    assert found.shape == (3, WIDTH) and found.std() > 0.1
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("layout", "lack"),
    [
        ("facebook, fine-tuned", r"fine-tuned on the mean of the patches"),
        ("mae-pytorch", "have no CLS token"),
        ("mae-pytorch, fine-tuned", "have no CLS token"),
    ],
)
def test_a_cls_token_that_was_never_trained_is_not_given(layout: str, lack: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"^pooling: .*{lack}.*'pooling: patches'$"):
        _network(LAYOUTS[layout], "cls", tmp_path / "w.pth")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_renamed_key_of_the_encoder_stops_it(layout: str, tmp_path: Path) -> None:
    state = LAYOUTS[layout]
    for key in state:
        if key.startswith(IGNORED):
            continue
        other = {**state, f"{key}_": state[key]}
        del other[key]
        with pytest.raises(ValueError, match=r"[12] missing, [12] unexpected, \d mis-shaped"):
            _network(other, "patches", tmp_path / "w.pth")


def test_a_decoder_alone_is_no_encoder(tmp_path: Path) -> None:
    state = {key: value for key, value in _facebook("norm").items() if key.startswith("decoder")}
    with pytest.raises(ValueError, match="another network"):
        _network(state, "patches", tmp_path / "w.pth")


@pytest.mark.parametrize("model", ["base", "large"])
def test_stated_dimension_is_the_networks(model: Literal["base", "large"]) -> None:
    with torch.device("meta"):
        network = mae_encoder(f"vit_{model}_patch16_224.mae", "patches")
        found = network(torch.empty(1, 3, 224, 224))
    assert found.shape == (1, MAE.spec(MAE.Settings(extractor="mae", model=model)).dimension)


def test_sinusoids_are_those_of_the_paper() -> None:
    torch.testing.assert_close(sinusoids(PATCHES, WIDTH).double(), _table(), rtol=0, atol=1e-6)
