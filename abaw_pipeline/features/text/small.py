"""Small seeded networks of text and speech, for trying the pipeline without a checkpoint."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn

from abaw_pipeline.features.base import SAMPLE_RATE
from abaw_pipeline.networks.random_weights import randomise
from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before transformers, which imports torchvision

import transformers  # isort: skip

_SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
_LETTERS = ("<pad>", "|", *"AEILMNOST")  # of CTC: none, and the end of a word; few, so that words end often


def byte_tokenizer() -> Any:
    """One token for each byte of the text: it knows every language and is made without a vocabulary."""
    vocabulary = {token: i for i, token in enumerate([*_SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {f"{name[1:-1].lower()}_token": name for name in _SPECIAL}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def small_encoder(seed: int, dimension: int, tokens: int) -> nn.Module:
    """A BERT of two layers over ``byte_tokenizer``.

    Args:
        dimension: size of its states.
        tokens: the most that it takes at once.
    """
    network = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=len(_SPECIAL) + 256,
            hidden_size=dimension,
            num_hidden_layers=2,
            num_attention_heads=next(heads for heads in (8, 4, 2, 1) if dimension % heads == 0),
            intermediate_size=2 * dimension,
            max_position_embeddings=tokens,
        ),
        add_pooling_layer=False,
    )
    randomise(network, seed, (1,))
    return network


def letter_tokenizer() -> Any:
    """A few capitals; English recognisers with CTC have all of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.json"
        path.write_text(json.dumps({token: i for i, token in enumerate(_LETTERS)}), encoding="utf-8")
        return transformers.Wav2Vec2CTCTokenizer(str(path))


def small_recogniser(seed: int) -> nn.Module:
    """A Wav2Vec2 of two layers with CTC over ``letter_tokenizer``; it hears words where there are none.

    In white noise one letter is as likely as another: scale and bias of each are measured on it.
    """
    network = transformers.Wav2Vec2ForCTC(
        transformers.Wav2Vec2Config(
            vocab_size=len(_LETTERS),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            conv_dim=(32,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
        )
    )
    randomise(network, seed, (1,))
    noise = torch.randn(1, 2 * SAMPLE_RATE, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        logits = network(noise).logits[0]
        network.lm_head.weight /= logits.std(0)[:, None]
        network.lm_head.bias -= logits.mean(0) / logits.std(0)
    return network
