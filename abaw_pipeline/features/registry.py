"""The extractors by name: ours, and those of other installed packages. Importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from abaw_pipeline.features.audio.compare import ComParE
from abaw_pipeline.features.audio.deepspectrum import DeepSpectrum
from abaw_pipeline.features.audio.ecapatdnn import EcapaTDNN
from abaw_pipeline.features.audio.egemaps import EGeMAPS
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.audio.hubert import HuBERT
from abaw_pipeline.features.audio.stand_in import StandInAudio
from abaw_pipeline.features.audio.vggish import VGGishFeatures
from abaw_pipeline.features.audio.wav2vec import Wav2Vec
from abaw_pipeline.features.base import ExtractorSettings
from abaw_pipeline.features.files.external import External
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.features.plugins import installed
from abaw_pipeline.features.text.stand_in import StandInText
from abaw_pipeline.features.text.text import Text
from abaw_pipeline.features.visual.densenet import DenseNet
from abaw_pipeline.features.visual.fau import FAU
from abaw_pipeline.features.visual.inception import InceptionCASIA, InceptionVGGFace2
from abaw_pipeline.features.visual.ires100 import IRes100
from abaw_pipeline.features.visual.mae import MAE
from abaw_pipeline.features.visual.ms_va import MobileNetVA
from abaw_pipeline.features.visual.poster_vit import PosterViT
from abaw_pipeline.features.visual.regnet import RegNet
from abaw_pipeline.features.visual.scene import Scene
from abaw_pipeline.features.visual.stand_in import StandInVisual

OURS: dict[str, type[Any]] = {
    "compare": ComParE,
    "deepspectrum": DeepSpectrum,
    "densenet": DenseNet,
    "ecapatdnn": EcapaTDNN,
    "egemaps": EGeMAPS,
    "external": External,
    "fau": FAU,
    "fbank": FilterBank,
    "hubert": HuBERT,
    "inception_casia": InceptionCASIA,
    "inception_vggface2": InceptionVGGFace2,
    "ires100": IRes100,
    "mae": MAE,
    "ms_va": MobileNetVA,
    "poster_vit": PosterViT,
    "regnet": RegNet,
    "scene": Scene,
    "stack": Stack,
    "stand_in_audio": StandInAudio,
    "stand_in_text": StandInText,
    "stand_in_visual": StandInVisual,
    "text": Text,
    "vggish": VGGishFeatures,
    "wav2vec": Wav2Vec,
}
EXTRACTORS = {**OURS, **installed(OURS)}

if TYPE_CHECKING:
    FeatureSettings = ExtractorSettings
else:  # built from the table, so that a new extractor is one line here
    FeatureSettings = Annotated[
        Union[tuple(extractor.Settings for extractor in EXTRACTORS.values())],  # noqa: UP007
        Field(discriminator="extractor"),
    ]
