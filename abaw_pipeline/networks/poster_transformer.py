"""The small transformer at the end of PosterV2, over the tokens of three scales; names as its checkpoint has them.

Architecture: Mao et al., POSTER++, arXiv 2301.12149 (vanilla blocks over the joined scales); blocks of Dosovitskiy et
al., ViT, ICLR 2021 (norm first); squeeze and excitation of Hu et al., CVPR 2018.

Assumptions, because no key tells:
- 8 heads, as many as the coarsest cross-attention and POSTER's transformer have (ViT-B has 12).
- Epsilon 1e-6 and GELU, as in ViT; ReLU, then a sigmoid in ``se_block``, as in Hu et al.
- ``blocks.N.conv`` would mix the 148 tokens, which vanilla blocks do not: it loads and does not run. The paper's 8.4 G
  operations lean that way (8.44 here, 8.47 with it); its 43.7 M parameters do not decide (layers that run: 43.63 here,
  43.67 with it, 43.72 with the landmark head).

``patch_embed``, ``eca_block``, ``CON1``, ``IRLinear1`` and ``IRLinear2`` are known to be left over, and load only.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from abaw_pipeline.networks.window_attention import Mlp

WIDTH = 768
DEPTH = 2
HEADS = 8
EPS = 1e-6
_SOURCE = 256
_ECA_KERNEL = 5  # of Wang et al., ECA-Net, CVPR 2020, for 768 channels


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        return self.proj(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=EPS)
        self.conv = nn.Conv1d(tokens, tokens, 1)
        self.attn = _Attention()
        self.norm2 = nn.LayerNorm(WIDTH, eps=EPS)
        self.mlp = Mlp(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Projection(nn.Module):
    """A 1x1 convolution under the name that the checkpoint has for it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(x)


class _Squeeze(nn.Module):
    """``x · σ(W₂ ReLU(W₁ x))``; squeezing as such has been done by the attention of the CLS token."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(WIDTH, WIDTH)
        self.linear2 = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.linear2(self.linear1(x).relu()).sigmoid()


class _Channel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, _ECA_KERNEL, padding=_ECA_KERNEL // 2, bias=False)


class _Head(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


class PosterTransformer(nn.Module):
    """Tokens ``(B, tokens, 768)`` to one vector ``(B, 768)``, which ``head`` turns into class scores."""

    def __init__(self, tokens: int, classes: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens + 1, WIDTH))
        self.patch_embed = Projection(_SOURCE)
        self.blocks = nn.Sequential(*(_Block(tokens + 1) for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH, eps=EPS)
        self.se_block = _Squeeze()
        self.eca_block = _Channel()
        self.CON1 = nn.Conv2d(_SOURCE, WIDTH, 1, bias=False)
        self.IRLinear1 = nn.Linear(1024, WIDTH)
        self.IRLinear2 = nn.Linear(WIDTH, 512)
        self.head = _Head(classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """What the head sees: the normalised CLS token through ``se_block``."""
        first = self.cls_token.expand(len(tokens), -1, -1)
        x = self.blocks(torch.cat([first, tokens], 1) + self.pos_embed)
        return self.se_block(self.norm(x)[:, 0])
