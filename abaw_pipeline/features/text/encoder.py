"""Token states of a text encoder of transformers, and their means over words.

A text longer than one window goes through the network in windows that overlap; each token's state is taken from the
window in which it lies further from an edge. Where windows lie depends on the text alone.
Shape letters: T tokens, W words, D dimension of the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from abaw_pipeline.features.text.small import byte_tokenizer, small_encoder
from abaw_pipeline.features.weights import FolderWeights, RandomWeights, SnapshotWeights
from abaw_pipeline.networks.hugging_face import load_model, load_part, model_folder
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers, which imports torchvision

import transformers  # isort: skip

Layer = int | Literal["last", "last_four"]


class TextEncoder:
    """An encoder with its tokenizer on a device.

    Args:
        dimension: what its states must have.
        layer: which states: after the last layer, the mean of the last four, or by number (0: the embeddings).
        tokens: the most that a window holds, special tokens included.
        overlap: tokens that two windows share.

    Raises:
        ValueError: it does not load, or does not have what the settings ask for.
    """

    def __init__(
        self,
        weights: FolderWeights | SnapshotWeights | RandomWeights,
        dimension: int,
        layer: Layer,
        tokens: int,
        overlap: int,
        device: torch.device,
    ) -> None:
        self.layer, self.tokens, self.overlap, self.device = layer, tokens, overlap, device
        if isinstance(weights, RandomWeights):
            name, self.tokenizer = "the seeded encoder", byte_tokenizer()
            network = small_encoder(weights.seed, dimension, tokens)
        else:
            folder = model_folder(weights)
            name, self.tokenizer = str(folder), _tokenizer(folder)
            network = load_model(transformers.AutoModel, folder)
        self._check(network.config, dimension, name)
        encoder = network.get_encoder() if network.config.is_encoder_decoder else network  # type: ignore[operator,union-attr]
        self.network: nn.Module = encoder.to(device)

    def _check(self, config: Any, dimension: int, name: str) -> None:
        size = getattr(config, "hidden_size", None)
        if size != dimension:
            raise ValueError(f"dimension: the states of {name} have {size} values, not {dimension}")
        longest = min(self.tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or self.tokens)
        if self.tokens > longest:
            raise ValueError(f"tokens: {name} takes {longest} at once, not {self.tokens}")
        if isinstance(self.layer, int) and self.layer > config.num_hidden_layers:
            raise ValueError(f"layer: {name} has {config.num_hidden_layers} layers, no layer {self.layer}")

    def word_states(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Mean over the tokens of each word, read as one text with a space between two words.

        Returns:
            ``(W, D)`` float32, and ``(W,)`` bool: whether the tokenizer made any token of the word.
        """
        states, places = self.token_states(" ".join(words))
        ends = np.cumsum([len(word) + 1 for word in words]) - 1
        starts = ends - [len(word) for word in words]
        first = np.searchsorted(places[:, 1], starts, side="right")
        last = np.searchsorted(places[:, 0], ends, side="left")
        means = [states[a:b].mean(0) if b > a else np.zeros(states.shape[1]) for a, b in zip(first, last, strict=True)]
        return np.stack(means).astype(np.float32), last > first

    def token_states(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """States ``(T, D)`` float32 of a text's own tokens, special ones apart, and ``(T, 2)``: the first character
        of each and the one after its last."""
        windows = self.tokenizer(
            text,
            truncation=True,
            max_length=self.tokens,
            stride=self.overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        states, places, last = [], [], len(windows["input_ids"]) - 1
        for number, ids in enumerate(windows["input_ids"]):
            own = np.flatnonzero(np.array(windows["special_tokens_mask"][number]) == 0)
            half = self.overlap // 2
            kept = own[half if number else 0 : len(own) - (self.overlap - half) if number < last else None]
            states.append(self._states(ids)[kept])
            places.append(np.array(windows["offset_mapping"][number], np.int64).reshape(-1, 2)[kept])
        return np.concatenate(states), np.concatenate(places)

    def _states(self, ids: Sequence[int]) -> np.ndarray:
        one = torch.tensor([ids], device=self.device)
        with torch.inference_mode():
            layers = self.network(input_ids=one, attention_mask=torch.ones_like(one), output_hidden_states=True)
        if self.layer == "last":
            chosen = layers.last_hidden_state
        elif self.layer == "last_four":
            chosen = torch.stack(layers.hidden_states[-4:]).mean(0)
        else:
            chosen = layers.hidden_states[self.layer]
        return chosen[0].float().cpu().numpy()


def _tokenizer(folder: Path) -> Any:
    tokenizer = load_part(transformers.AutoTokenizer, folder)
    if not tokenizer.is_fast:
        raise ValueError(f"{folder}: its tokenizer does not say which characters a token stands for (no fast one)")
    return tokenizer
