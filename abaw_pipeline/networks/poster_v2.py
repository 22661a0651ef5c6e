"""PosterV2 (POSTER++), a network for facial expressions; parameter names as its public checkpoint has them.

Architecture: Mao et al., POSTER++, arXiv 2301.12149: landmark maps of a frozen MobileFaceNet ask the maps of IR50 for
what they show, at three scales; a transformer joins them. Strides and sizes follow from the keys: windows of 28, 14
and 7 pixels are exactly the landmark maps of a 112 picture; 148 positions are one CLS token and three times 7 x 7.

Assumptions, because no key tells:
- IR50 reduces the 224 picture to 112 too. At 224 its maps would be twice as wide, the tokens of a scale 196 instead of
  49, and it alone would cost 21.9 G operations, where the paper counts 8.4 G for the whole network; its unused output
  layer (25088 = 512 x 7 x 7) is that of a 112 picture. A first convolution of stride 2 would fit the keys as well, but
  ArcFace's, from which the branch was taken, has stride 1.
- Pictures are halved by taking every second pixel, the default of torch's interpolation.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from abaw_pipeline.networks.ir50 import IR50
from abaw_pipeline.networks.mobilefacenet import Maps, MobileFaceNet
from abaw_pipeline.networks.poster_transformer import WIDTH, PosterTransformer, Projection
from abaw_pipeline.networks.window_attention import CrossAttention, FeedForward, Window

CHANNELS = (64, 128, 256)
WINDOWS = (28, 14, 7)
HEADS = (2, 4, 8)
BRANCH = 112
"""Side of the picture that both branches see."""
TOKENS = len(WINDOWS) * WINDOWS[-1] ** 2


def _half(channels: int, to: int) -> nn.Conv2d:
    return nn.Conv2d(channels, to, 3, stride=2, padding=1)


class PosterV2(nn.Module):
    """Input ``(B, 3, 224, 224)``; ``classes`` of the checkpoint's head (7, or 8 where contempt is one)."""

    INPUT = (3, 224, 224)
    DIMENSION = WIDTH

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        self.face_landback = MobileFaceNet()
        self.last_face_conv = nn.Conv2d(512, CHANNELS[-1], 3, padding=1)
        self.ir_back = IR50()
        for number, (channels, side, heads) in enumerate(zip(CHANNELS, WINDOWS, HEADS, strict=True), start=1):
            self.add_module(f"conv{number}", _half(channels, channels))
            self.add_module(f"window{number}", Window(channels, side))
            self.add_module(f"attn{number}", CrossAttention(channels, side, heads))
            self.add_module(f"ffn{number}", FeedForward(channels, side))
        self.embed_q = nn.Sequential(_half(CHANNELS[0], WIDTH), _half(WIDTH, WIDTH))
        self.embed_k = nn.Sequential(_half(CHANNELS[1], WIDTH))
        self.embed_v = Projection(CHANNELS[2])
        self.VIT = PosterTransformer(TOKENS, classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features ``(B, 768)``: what the head sees."""
        return self.VIT(self._tokens(pictures))

    def scores(self, pictures: torch.Tensor) -> torch.Tensor:
        """Class scores ``(B, classes)`` before softmax."""
        return self.VIT.head(self(pictures))

    def _tokens(self, pictures: torch.Tensor) -> torch.Tensor:
        """``(B, 147, 768)``: 7 x 7 of the fine scale, then of the middle, then of the coarse one."""
        small = functional.interpolate(pictures, size=BRANCH)
        pairs = zip(self.ir_back(small), self._landmarks(small), strict=True)
        fused = [self._fuse(number, *pair) for number, pair in enumerate(pairs, start=1)]
        embedded = [embed(maps) for embed, maps in zip((self.embed_q, self.embed_k, self.embed_v), fused, strict=True)]
        return torch.cat([maps.flatten(2).transpose(1, 2) for maps in embedded], 1)

    def _landmarks(self, small: torch.Tensor) -> Maps:
        fine, middle, coarse = self.face_landback(small)
        return fine, middle, self.last_face_conv(coarse)

    def _fuse(self, number: int, picture: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
        """One scale: maps ``(B, C, 2h, 2w)`` and ``(B, C, h, w)`` to ``(B, C, h, w)``."""
        conv, window, attend, feed = (getattr(self, f"{part}{number}") for part in ("conv", "window", "attn", "ffn"))
        windows, normalised = window(conv(picture))
        return feed(attend(windows, landmarks.flatten(2).transpose(1, 2)), normalised)
