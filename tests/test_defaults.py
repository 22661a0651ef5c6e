"""Keys leave out settings that have their default, so a changed default must come with a new version.

A row here that no longer holds: raise the version beside it (the extractor's `Spec.version`, `media.plan.VERSION`,
`training.plan.VERSION`), then write the new default and the new version into the row.
"""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import BaseModel

from abaw_pipeline.features.registry import EXTRACTORS
from abaw_pipeline.media import plan as media
from abaw_pipeline.media.settings import FaceSettings, FrameSettings, MediaSettings
from abaw_pipeline.models.encoders.settings import EncoderSettings
from abaw_pipeline.models.settings import FrameworkSettings, FusionSettings
from abaw_pipeline.training import plan as training
from abaw_pipeline.training.losses.settings import LossSettings
from abaw_pipeline.training.optimisation.settings import ScheduleSettings, SelectSettings
from abaw_pipeline.training.settings import TargetSettings, TrainingSettings
from abaw_pipeline.training.splits.settings import FoldSettings
from tests.test_features_plan import MINIMAL


def _members(union):
    """The models of a union that its members' names tell apart."""
    return get_args(get_args(union)[0])


SMILE = {"level": "lld", "window_s": 2.0, "hop_s": 0.2}
SPEECH = {"model": "base", "layer": -1, "normalise": True, "window_s": 20.0, "context_s": 5.0}
EXTERNAL = {"array": None, "dtype": "float32", "place": "frames", "first_frame": 1, "rate": None, "times": None}
EXTERNAL |= {"time_unit": "ms", "offset_s": 0.0, "unit_s": 0.0, "extra_rows": 0, "missing": "nan"}
TEXT = {"layer": "last", "spread": "words", "tokens": 512, "overlap": 128, "missing": "skip"}
STACK = {"mode": "repeated", "modality": "visual", "models": {}, "predictions": "{results}/{dataset}/predictions"}
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
    "stack": (1, STACK),
    "stand_in_audio": (1, {"dimension": 16}),
    "stand_in_text": (1, TEXT | {"dimension": 16}),
    "stand_in_visual": (1, {"dimension": 16, "pictures": "faces"}),
    "text": (1, TEXT | {"dimension": None}),
    "vggish": (1, {"hop_s": 0.96, "pca": None, "quantise": "none"}),
    "wav2vec": (1, SPEECH),
}
FACES = {"source": "auto", "detector": "haar", "threshold": 0.6, "detect_width": 480, "size": 112, "choose": "largest"}
FACES |= {"min_overlap": 0.3, "max_lost_s": 1.0, "quality": 95}
PROJECTION = {"kind": "linear", "kernel": 3, "bias": True, "activation": "none", "dropout": 0.0}
FUSION = {"projection": PROJECTION, "modality_dropout": 0.0, "mask_input": False}
HEAD = {"hidden": [], "dropout": 0.0, "separate": False, "pooling": "attention"}
OPTIMISER = {"name": "adamw", "lr": 1e-3, "weight_decay": 1e-4, "beta1": 0.9, "momentum": 0.9}
RECURRENT = {"hidden": 128, "layers": 1, "bidirectional": False, "dropout": 0.0, "carry_state": False}
ATTENDING = {"width": 256, "layers": 2, "heads": 4, "feedforward": 512, "dropout": 0.1, "norm": "post"}
ATTENDING |= {"positions": "sinusoidal"}
TRAINING = {"dataset": None, "task": None, "tasks": None, "framework": {"name": "basic"}, "head": HEAD, "loss": None}
TRAINING |= {
    "fusion": FUSION | {"name": "early"},
    "r_drop": 0.0,
    "optimiser": OPTIMISER,
    "clip_norm": None,
    "ema": None,
}
TRAINING |= {"schedule": {"name": "cosine", "warmup": 0.0, "floor": 0.0}, "precision": "float32", "normalise": True}
TRAINING |= {"segment": 100, "stride": None, "tail": "short", "unlabelled": "keep", "batch": 16, "epochs": 20}
TRAINING |= {"early_stop": None, "gap": "nearest", "folds": {"name": "official"}, "seeds": [0]}
TRAINING |= {"extra_rows": {"tolerance": 5, "policy": "skip_clip"}, "select": {"name": "best"}}
TRAINING |= {"extra": [], "scenes": None, "predict_trained": False}
TRAINED = {
    "TrainingSettings": TRAINING,
    "TargetSettings": {"loss": None, "weight": 1.0, "head": None},
    "gru": RECURRENT,
    "lstm": RECURRENT,
    "transformer": ATTENDING,
    "transformer_lstm": ATTENDING | {"hidden": 256, "lstm_layers": 1, "carry_state": False},
    "gru_transformer": ATTENDING | {"layers": 3, "hidden": 256, "gru_layers": 2, "branch_loss": "concat"},
    "gru_local_attention": {"hidden": 256, "layers": 4, "dropout": 0.0, "window": 256, "causal": True, "tanh": False},
    "twin_transformer": ATTENDING | {"expansion": 1.5, "target": "feature", "only_t1": False},
    "attention_transformer": ATTENDING | {"layers": 1, "heads": 2, "dropout": 0.5, "head_width": None},
    "temma": ATTENDING | {"layers": 4, "norm": "pre", "streams": 1, "kernel": 3, "levels": 2},
    "tcn": {"width": 128, "levels": 4, "kernel": 3, "dropout": 0.1, "causal": False},
    "early": FUSION,
    "late": FUSION,
    "clip_tokens": FUSION,
    "interaction": FUSION | {"interaction": None, "width": 256},
    "basic": {},
    "share_bottom": {},
    "feedback": {"fed": "encoder"},
    "ccc": {"column_weights": None},
    "mse": {"column_weights": None},
    "cross_entropy": {"class_weights": None, "label_smoothing": 0.0},
    "bce": {"positive_weights": None, "column_weights": None},
    "focal": {"alpha": 0.75, "gamma": 2.0, "label_smoothing": 0.0},
    "mse_class": {"mse": 1.0, "ce": 0.01, "several": False},
    "constant": {"warmup": 0.0},
    "linear": {"warmup": 0.0, "floor": 0.0},
    "cosine": {"warmup": 0.0, "floor": 0.0},
    "cosine_restarts": {"warmup": 0.0, "first": 1.0, "factor": 1, "floor": 0.0, "decay_after": None},
    "step": {"warmup": 0.0, "factor": 0.1},
    "plateau": {"warmup": 0.0, "factor": 0.1, "patience": 5},
    "best": {},
    "last": {},
    "best_per_column": {},
    "range": {},
    "official": {},
    "kfold": {"k": 5, "over": "train+val", "seed": None},
    "parts+val": {"k": 6, "seed": None},
    "mix": {},
    "file": {},
}
UNIONS = (EncoderSettings, FusionSettings, FrameworkSettings, LossSettings, ScheduleSettings, SelectSettings)
UNIONS += (FoldSettings,)
VARIANTS = {get_args(model.model_fields["name"].annotation)[0]: model for union in UNIONS for model in _members(union)}
SETTINGS = {**VARIANTS, "TrainingSettings": TrainingSettings, "TargetSettings": TargetSettings}


def _defaults(model, names):
    found = {name: model.model_fields[name].get_default(call_default_factory=True) for name in names}
    return {name: one.model_dump() if isinstance(one, BaseModel) else one for name, one in found.items()}


def _optional(model):
    return {name for name, info in model.model_fields.items() if not info.is_required()}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_extractors(name):
    version, defaults = EXTRACTED[name]
    settings = EXTRACTORS[name].Settings
    assert EXTRACTORS[name].spec(settings.model_validate({"extractor": name, **MINIMAL[name]})).version == version
    assert _defaults(settings, _optional(settings) - {"weights"}) == defaults


def test_media():
    assert media.VERSION == 1
    assert _defaults(FaceSettings, FACES) == FACES
    assert _defaults(MediaSettings, ["max_error_share", "frames"]) == {"max_error_share": 0.05, "frames": None}
    assert _defaults(FrameSettings, ["size", "quality"]) == {"size": 256, "quality": 90}


@pytest.mark.parametrize("name", SETTINGS)
def test_training(name):
    assert training.VERSION == 2
    assert _defaults(SETTINGS[name], _optional(SETTINGS[name])) == TRAINED[name]
