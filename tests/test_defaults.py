"""Keys leave out settings that have their default, so a changed default must come with a new version.

A row here that no longer holds: raise the version beside it (the extractor's `Spec.version`, `media.plan.VERSION`,
`training.plan.VERSION`), then write the new default and the new version into the row.
"""

from __future__ import annotations

import pytest

from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.media import plan as media
from abaw_pipeline.media.settings import FaceSettings, FrameSettings, MediaSettings
from abaw_pipeline.models.settings import GruSettings, HeadSettings, TransformerSettings
from abaw_pipeline.training import plan as training
from abaw_pipeline.training.settings import ExtraRows, OptimiserSettings, ScheduleSettings, TrainingSettings
from tests.test_features_plan import MINIMAL

SMILE = {"level": "lld", "window_s": 2.0, "hop_s": 0.2}
SPEECH = {"model": "base", "layer": -1, "normalise": True, "window_s": 20.0, "context_s": 5.0}
EXTERNAL = {"array": None, "dtype": "float32", "place": "frames", "first_frame": 1, "rate": None, "times": None}
EXTERNAL |= {"time_unit": "ms", "offset_s": 0.0, "unit_s": 0.0, "extra_rows": 0, "missing": "nan"}
EXTRACTED = {
    "compare": (1, SMILE | {"voicing_deltas": "opensmile"}),
    "deepspectrum": (1, {"window_s": 1.0, "hop_s": 0.5, "range_db": 80.0}),
    "densenet": (1, {}),
    "ecapatdnn": (1, {"window_s": 2.0, "hop_s": 0.2, "lin_neurons": 192}),
    "egemaps": (1, SMILE | {"set": "v02"}),
    "external": (1, EXTERNAL),
    "fau": (1, {}),
    "fbank": (1, {"bins": 80}),
    "hubert": (1, SPEECH),
    "inception_casia": (1, {}),
    "inception_vggface2": (1, {}),
    "ires100": (1, {}),
    "mae": (1, {"model": "base", "pooling": "patches"}),
    "ms_va": (1, {"model": "mobilenetv3_large_100", "size": 224}),
    "poster_vit": (1, {"vit": None, "parts": "both", "pooling": "cls", "classes": 7}),
    "regnet": (1, {"model": "regnet_y_400mf", "size": 112}),
    "scene": (1, {"model": "resnet50.a1_in1k", "dimension": None, "size": None, "crop": None}),
    "text": (
        1,
        {"dimension": None, "layer": "last", "spread": "words", "tokens": 512, "overlap": 128, "missing": "skip"},
    ),
    "vggish": (1, {"hop_s": 0.96, "pca": None, "quantise": "none"}),
    "wav2vec": (1, SPEECH),
}
FACES = {"source": "auto", "detector": "haar", "threshold": 0.6, "detect_width": 480, "size": 112, "choose": "largest"}
FACES |= {"min_overlap": 0.3, "max_lost_s": 1.0, "quality": 95}
TRAINED = {
    TrainingSettings: {"task": "va", "fusion": "early", "segment": 100, "batch": 16, "epochs": 20, "gap": "nearest"}
    | {"stride": None, "early_stop": None, "select": "best"},
    OptimiserSettings: {"name": "adamw", "lr": 1e-3, "weight_decay": 1e-4},
    ScheduleSettings: {"name": "cosine"},
    ExtraRows: {"tolerance": 5, "policy": "skip_clip"},
    GruSettings: {"hidden": 128, "layers": 1, "bidirectional": False, "dropout": 0.0},
    TransformerSettings: {"width": 256, "layers": 2, "heads": 4, "feedforward": 512, "dropout": 0.1},
    HeadSettings: {"hidden": [], "dropout": 0.0},
}


def _defaults(model, names):
    return {name: model.model_fields[name].get_default(call_default_factory=True) for name in names}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_extractors(name):
    version, defaults = EXTRACTED[name]
    settings = EXTRACTORS[name].Settings
    assert EXTRACTORS[name].spec(settings.model_validate({"extractor": name, **MINIMAL[name]})).version == version
    optional = {field for field, info in settings.model_fields.items() if not info.is_required()} - {"weights"}
    assert _defaults(settings, optional) == defaults


def test_media():
    assert media.VERSION == 1
    assert _defaults(FaceSettings, FACES) == FACES
    assert _defaults(MediaSettings, ["max_error_share", "frames"]) == {"max_error_share": 0.05, "frames": None}
    assert _defaults(FrameSettings, ["size", "quality"]) == {"size": 256, "quality": 90}


@pytest.mark.parametrize("model", TRAINED)
def test_training(model):
    assert training.VERSION == 1
    assert _defaults(model, TRAINED[model]) == TRAINED[model]
