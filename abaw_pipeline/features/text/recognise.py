"""Words of speech by a network with CTC, with the time of each.

CTC (Graves et al., ICML 2006) names one letter, or none, for every 20 ms of sound or so: a word lies where its letters
were named. Long sound goes through in windows that lie at fixed places and hear some sound besides on either side;
each frame is taken from the one window that decides it, so nothing depends on the length of the sound but its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from abaw_pipeline.features.base import SAMPLE_RATE, Samples
from abaw_pipeline.features.text.settings import RecogniserSettings
from abaw_pipeline.features.text.small import letter_tokenizer, small_recogniser
from abaw_pipeline.features.text.words import Word, Words
from abaw_pipeline.features.weights import RandomWeights
from abaw_pipeline.networks.hugging_face import load_model, load_part, model_folder
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers, which imports torchvision

import transformers  # isort: skip


class Recogniser:
    """A network with its feature extractor and tokenizer on a device.

    Raises:
        ValueError: it does not load, or is of another kind.
    """

    def __init__(self, settings: RecogniserSettings, device: torch.device) -> None:
        self.settings, self.device = settings, device
        if isinstance(settings.weights, RandomWeights):
            name, network = "the seeded recogniser", small_recogniser(settings.weights.seed)
            self.tokenizer: Any = letter_tokenizer()
            self.prepare: Any = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
        else:
            folder = model_folder(settings.weights)
            name, network = str(folder), load_model(transformers.AutoModelForCTC, folder)
            self.tokenizer = load_part(transformers.AutoTokenizer, folder)
            self.prepare = load_part(transformers.AutoFeatureExtractor, folder)
        self._check(network, name)
        self.network = network.to(device)
        self.hop = int(network.config.inputs_to_logits_ratio)  # type: ignore[arg-type,union-attr]
        """Samples from one frame to the next."""

    def _check(self, network: Any, name: str) -> None:
        if self.prepare.sampling_rate != SAMPLE_RATE:
            raise ValueError(f"{name}: it hears {self.prepare.sampling_rate} Hz; one for {SAMPLE_RATE} Hz is needed")
        if self.prepare.model_input_names[0] != "input_values" or not hasattr(network.config, "inputs_to_logits_ratio"):
            raise ValueError(f"{name}: it does not take plain sound, as Wav2Vec2, HuBERT and WavLM do")
        if not isinstance(self.tokenizer, transformers.Wav2Vec2CTCTokenizer):
            raise ValueError(f"{name}: its tokenizer ({type(self.tokenizer).__name__}) gives no times of words")

    def words(self, samples: Samples, start_s: float = 0.0) -> Words:
        """What is said, in order; nothing in sound that is too short for one frame.

        Args:
            samples: mono sound ``(N,)`` float32 in [-1, 1] at 16 kHz.
            start_s: time of the first sample.
        """
        letters = np.concatenate([np.empty(0, np.int64), *self.letters(samples)])
        heard = self.tokenizer.decode(letters.tolist(), output_word_offsets=True).word_offsets
        frame_s = self.hop / SAMPLE_RATE
        found = []
        for word in heard:
            start, end = (max(start_s + int(word[edge]) * frame_s, 0.0) for edge in ("start_offset", "end_offset"))
            text = word["word"].lower() if self.settings.case == "lower" else word["word"]
            found.append(Word(text, start, end))
        return tuple(found)

    def letters(self, samples: Samples) -> Iterator[np.ndarray]:
        """The most likely letter (its number) of each frame, window by window."""
        chosen = self.settings.window_s, self.settings.context_s
        core, beside = (max(round(seconds * SAMPLE_RATE / self.hop), 1) for seconds in chosen)  # in frames
        for first in range(0, -(-len(samples) // self.hop), core):
            left = max(first - beside, 0)
            stop = (first + core + beside) * self.hop
            piece = np.asarray(samples[left * self.hop : stop])
            yield self._decided(piece)[first - left :][:core]

    def _decided(self, piece: np.ndarray) -> np.ndarray:
        if int(self.network._get_feat_extract_output_lengths(len(piece))) < 1:  # type: ignore[operator]
            return np.empty(0, np.int64)
        given = self.prepare(piece, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
        with torch.inference_mode():
            logits = self.network(given.to(self.device)).logits
        return logits[0].argmax(-1).cpu().numpy()
