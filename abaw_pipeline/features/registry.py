"""The extractors by name. Importing this imports no torch, OpenCV or openSMILE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from abaw_pipeline.features.audio.egemaps import EGeMAPS
from abaw_pipeline.features.audio.fbank import FilterBank
from abaw_pipeline.features.base import ExtractorSettings
from abaw_pipeline.features.text.text import Text
from abaw_pipeline.features.visual.densenet import DenseNet
from abaw_pipeline.features.visual.ires100 import IRes100
from abaw_pipeline.features.visual.ms_va import MobileNetVA

EXTRACTORS: dict[str, type[Any]] = {
    "densenet": DenseNet,
    "egemaps": EGeMAPS,
    "fbank": FilterBank,
    "ires100": IRes100,
    "ms_va": MobileNetVA,
    "text": Text,
}

if TYPE_CHECKING:
    FeatureSettings = ExtractorSettings
else:  # built from the table, so that a new extractor is one line here
    FeatureSettings = Annotated[
        Union[tuple(extractor.Settings for extractor in EXTRACTORS.values())],  # noqa: UP007
        Field(discriminator="extractor"),
    ]
