"""What ``wav2vec`` and ``hubert`` share: speech networks of transformers on windows of long sound, 50 rows a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from abaw_pipeline.features.audio.grid import Window, batches, windows
from abaw_pipeline.features.base import SAMPLE_RATE, Rows, Samples, Spec
from abaw_pipeline.networks.speech import ARCHITECTURES, CHANNELS, FIELD, HOP, Family, speech_network
from abaw_pipeline.strict import Strict

if TYPE_CHECKING:
    import torch

BATCH = 4
"""Windows computed at once on an accelerator. On the CPU one fills the cores, and more would only take memory."""
ROWS_PER_S = SAMPLE_RATE // HOP


class SpeechSettings(Strict):
    """Settings of both networks; a window is part of what a row is."""

    FAMILY: ClassVar[Family]

    model: str
    layer: int | list[int] | Literal["conv"] = -1
    """Which rows are given. An integer: the output of that layer of the Transformer (0 is its input, -1 the last layer,
    with the network's final norm). A pair ``[first, last]``: the mean of these layers and of all between. ``conv``: the
    512 outputs of the convolutions below it."""
    normalise: bool = True
    """Bring each window, context included, to zero mean and unit variance, as the preprocessor files of all these
    checkpoints say: a row then does not tell how loud the window was, and a loud passage makes the rest of its window
    quieter."""
    window_s: float = Field(20.0, ge=1.0, le=120.0)
    """Seconds of sound that one window gives the rows of, in steps of 20 ms."""
    context_s: float = Field(5.0, ge=0.0, le=60.0)
    """Seconds of sound that the network sees besides, on either side of a window."""

    @field_validator("layer", mode="before")
    @classmethod
    def _known(cls, layer: Any) -> Any:
        pair = isinstance(layer, list) and len(layer) == 2 and all(type(number) is int for number in layer)
        if not (type(layer) is int or pair or layer == "conv"):
            raise ValueError("give a number, a pair of numbers [first, last], or conv")
        return layer

    @model_validator(mode="after")
    def _within(self) -> SpeechSettings:
        layers = ARCHITECTURES[self.FAMILY][self.model]["num_hidden_layers"]
        numbers = [] if self.layer == "conv" else [self.layer] if isinstance(self.layer, int) else list(self.layer)
        if not all(-layers - 1 <= number <= layers for number in numbers):
            raise ValueError(f"layer: '{self.model}' has the layers 0 to {layers}")
        if numbers and counted(numbers[0], layers) > counted(numbers[-1], layers):
            raise ValueError("layer: the first of the pair must not come after the last")
        return self


def counted(layer: int, layers: int) -> int:
    """The number of a layer, counted from the input; negative ones count from the end."""
    return layer if layer >= 0 else layer + layers + 1


class SpeechTransformer:
    """A sound extractor (see ``features/base.py``) but for its name and its ``Settings``."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.layers = ARCHITECTURES[settings.FAMILY][settings.model]["num_hidden_layers"]

    def load(self, device: torch.device) -> None:
        network = speech_network(self.settings.FAMILY, self.settings.model, self.settings.weights)
        self.network, self.device = network.to(device), device
        self.batch = 1 if device.type == "cpu" else BATCH

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """Rows of the windows of ``grid.py``; each is timed by the middle of the 25 ms that its convolutions see."""
        own, context = round(self.settings.window_s * ROWS_PER_S), round(self.settings.context_s * ROWS_PER_S)
        for batch in batches(windows(len(samples), own, context, FIELD, HOP), self.batch):
            pieces = np.stack([self._prepared(samples[window.start : window.stop]) for window in batch])
            rows = [_own(values, window) for values, window in zip(self.embed(pieces), batch, strict=True)]
            yield np.concatenate(rows), (np.arange(batch[0].first, batch[-1].last) * HOP + FIELD / 2) / SAMPLE_RATE

    def _prepared(self, piece: np.ndarray) -> np.ndarray:
        if not self.settings.normalise:
            return piece
        return (piece - piece.mean()) / np.sqrt(piece.var() + 1e-7)

    def embed(self, pieces: np.ndarray) -> np.ndarray:
        """Windows ``(B, N)`` to the rows of the chosen layer ``(B, M, D)`` float32."""
        import torch

        with torch.inference_mode():
            chosen = self._chosen(torch.from_numpy(pieces).to(self.device))
            return chosen.float().cpu().numpy()

    def _chosen(self, pieces: torch.Tensor) -> torch.Tensor:
        import torch

        network, layer = self.network, self.settings.layer
        if layer == "conv":
            return network.get_submodule("feature_extractor")(pieces).transpose(1, 2)
        output = network(pieces, output_hidden_states=True)
        # Releases of transformers differ in whether the last of these has seen the final norm.
        states = [*output.hidden_states[:-1], output.last_hidden_state]
        first, last = (layer, layer) if isinstance(layer, int) else layer
        return torch.stack(states[counted(first, self.layers) : counted(last, self.layers) + 1]).mean(0)


def speech_spec(settings: Any, module: str) -> Spec:
    """Declared without torch and transformers."""
    hidden = ARCHITECTURES[settings.FAMILY][settings.model]["hidden_size"]
    dimension = CHANNELS if settings.layer == "conv" else hidden
    return Spec("audio", "sound", dimension, code=(module,), unit_s=FIELD / SAMPLE_RATE, weights=("weights",))


def _own(values: np.ndarray, window: Window) -> np.ndarray:
    return values[window.skipped : window.skipped + window.last - window.first]
