"""``ecapatdnn``: speaker embeddings of a sliding window of sound from speechbrain's ECAPA-TDNN.

Source: Desplanques et al., ECAPA-TDNN, Interspeech 2020, in the size of ``spkrec-ecapa-voxceleb``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from abaw_pipeline.features.audio.windows import centred_windows
from abaw_pipeline.features.base import SAMPLE_RATE, ExtractorSettings, Rows, Samples, Spec

if TYPE_CHECKING:
    import torch

# What the weights were trained on: 80 log-mel energies (25 ms windows every 10 ms), minus their mean over the window.
BANDS = 80
SIZE: dict[str, Any] = {
    "channels": [1024, 1024, 1024, 1024, 3072],
    "kernel_sizes": [5, 3, 3, 3, 1],
    "dilations": [1, 2, 3, 4, 1],
    "attention_channels": 128,
}
BATCH = 32
"""Windows computed at once."""


class EcapaTDNN:
    """A sound extractor (see ``features/base.py``)."""

    class Settings(ExtractorSettings):
        """Settings of ``ecapatdnn``; ``weights`` is required (speechbrain's ``embedding_model.ckpt``, Apache-2.0)."""

        extractor: Literal["ecapatdnn"]
        window_s: float = Field(2.0, ge=0.2, le=60)
        """Seconds of sound that one embedding describes; speakers are told apart from one or two seconds on."""
        hop_s: float = Field(0.2, ge=0.01, le=10)
        """Seconds between two windows."""
        lin_neurons: int = Field(192, ge=1)
        """Dimension of the embedding, as the weights have it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window = round(settings.window_s * SAMPLE_RATE)

    @staticmethod
    def spec(settings: Settings) -> Spec:
        code = ("features.audio.ecapatdnn",)
        weights = ("weights",)
        return Spec("audio", "sound", settings.lin_neurons, code=code, unit_s=settings.window_s, weights=weights)

    def load(self, device: torch.device) -> None:
        from abaw_pipeline.networks.checkpoint import load_weights
        from abaw_pipeline.networks.ecapa import ECAPA_TDNN, Fbank, InputNormalization

        self.device = device
        self.bands = Fbank(sample_rate=SAMPLE_RATE, n_mels=BANDS).to(device)
        self.centre = InputNormalization(norm_type="sentence", std_norm=False)
        network = ECAPA_TDNN(BANDS, lin_neurons=self.settings.lin_neurons, **SIZE)
        frames = self.window // 160 + 1
        self.network = load_weights(network, self.settings.weights, (frames, BANDS)).to(device)

    def describe(self, samples: Samples) -> Iterator[Rows]:
        """One row a window. Zeros stand for sound before the first and after the last sample."""
        for sound, centres in centred_windows(samples, self.window, self.settings.hop_s, BATCH):
            yield self._embed(sound), centres

    def _embed(self, sound: np.ndarray) -> np.ndarray:
        import torch

        whole = torch.ones(len(sound), device=self.device)  # no window is shorter than the batch's longest
        with torch.inference_mode():
            with torch.autocast(self.device.type, enabled=False):  # logarithms of energies need float32
                bands = self.centre(self.bands(torch.from_numpy(sound).to(self.device)), whole)
            return self.network(bands).flatten(1).float().cpu().numpy()
