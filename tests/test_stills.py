"""Stills from their files to predictions: each a frame with a face, and a sequence of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from abaw_pipeline.media.build import build_media
from abaw_pipeline.media.settings import FaceSettings, MediaSettings
from abaw_pipeline.media.store import Faces, read_clock, read_sound
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.training.aligned import Aligned, align_labels
from abaw_pipeline.training.infer import infer, prediction_store
from abaw_pipeline.training.model_store import TrainedModel, load_model
from abaw_pipeline.training.settings import ExtraRows
from abaw_pipeline.types import Clip, FrameTable
from tests.image_folders import shade
from tests.sides import settings, side, table
from tests.toy_results import Toy, experiment, run

torch.set_num_threads(1)


@pytest.mark.parametrize("source", ["auto", "crops", "detect"])
def test_stills_are_kept_byte_for_byte_and_stand_for_a_second_each(tmp_path: Path, source: str) -> None:
    paths = [shade(tmp_path / name, 40 * number, side=48) for number, name in enumerate(("a.jpg", "b.png", "c.jpeg"))]
    clip = Clip("train_0001", "train_0001", stills=tuple(map(str, paths)), digest="d")
    layout, chosen = Layout(tmp_path / "results", "pics"), MediaSettings.model_validate({"faces": {"source": source}})
    manifest = build_media([clip], layout, chosen)
    assert not manifest.skipped and manifest.clips[clip.id]["frames"] == manifest.clips[clip.id]["faces"] == 3
    assert read_clock(layout, clip.id).times.tolist() == [0, 1, 2] and not read_sound(layout, clip.id).present
    with Faces(layout, clip.id) as faces:
        assert [faces.encoded(row) for row in range(3)] == [path.read_bytes() for path in paths]
        assert faces.aligned == "official" and faces.picture(0).shape == (48, 48, 3)


@pytest.mark.parametrize(("share", "faces"), [(0.4, 2), (0.3, None)])
def test_a_still_that_cannot_be_read_has_no_face(tmp_path: Path, share: float, faces: int | None) -> None:
    paths = [shade(tmp_path / f"{number}.jpg", number) for number in range(3)]
    paths[1].write_bytes(b"no picture")
    clip = Clip("x", "x", stills=tuple(map(str, paths)), digest="d")
    layout = Layout(tmp_path / "results", "pics")
    manifest = build_media([clip], layout, MediaSettings(faces=FaceSettings(), max_error_share=share))
    if faces is None:
        assert "stills of x: 1 of 3 crops are no readable picture: 1.jpg" in manifest.skipped[0].reason
    else:
        assert manifest.clips["x"]["faces"] == 2 and manifest.clips["x"]["frames"] == 3


def bundle(*labels: list[float]) -> Aligned:
    return align_labels({"va": np.float32(labels)}, len(labels), ExtraRows(), "clip", stills=True)


LABELS = ([0.1, 0.1], [0.2, 0.2], [-5, -5], [0.4, 0.4])


@pytest.mark.parametrize("gap", ["nearest", "linear", "zero", "drop"])
def test_each_still_is_a_sequence_and_takes_no_other_ones_features(gap: str) -> None:
    clips = {"pics": (bundle(*LABELS), [table([1, 2, 3, 4], [1, 0, 1, 1])])}
    train, held_out = (side(clips, settings("va", gap=gap), training) for training in (True, False))
    assert train.clips.lengths == [1, 1, 1], "the still without a feature teaches nothing"
    assert train.clips.values[:, 0].tolist() == [1, 3, 4]
    assert train.tasks["va"].annotated.tolist() == [True, False, True]
    assert train.tasks["va"].rows.tolist() == [0, 1, 2]
    assert held_out.clips.lengths == [1, 1, 1, 1] and held_out.clips.known[:, 0].tolist() == [True, False, True, True]
    assert held_out.tasks["va"].annotated.tolist() == [True, True, False, True]


def test_stills_beside_a_recording() -> None:
    recording = align_labels({"va": np.float32([[0.5, 0.5]] * 3)}, 3, ExtraRows(), "clip")
    clips = {
        "video": (recording, [table([7, 8, 9], [1, 0, 1])]),
        "pics": (bundle(*LABELS), [table([1, 2, 3, 4], [1] * 4)]),
    }
    train = side(clips, settings("va", unlabelled="drop"), training=True)
    assert train.clips.lengths == [3, 1, 1, 1] and train.clips.values[:, 0].tolist() == [7, 7, 9, 1, 2, 4]
    np.testing.assert_array_equal(train.tasks["va"].values[:, 0], np.float32([0.5, 0.5, 0.5, 0.1, 0.2, 0.4]))


def test_labels_of_stills_are_other_data_than_those_of_a_sequence() -> None:
    sequence = align_labels({"va": np.float32(LABELS)}, 4, ExtraRows(), "clip")
    assert sequence.digest != bundle(*LABELS).digest


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    made = Toy(
        tmp_path_factory.mktemp("stills"), {"c00": "train", "c01": "train", "c02": "train", "c03": "val"}, frames=90
    )
    made.bundles = {"c00", "c02", "c03"}
    made.write()
    return made


ENCODERS = {
    "gru": {"name": "gru", "hidden": 12},
    "carried": {"name": "gru", "hidden": 12, "carry_state": True, "bidirectional": False},
    "transformer": {"name": "transformer", "width": 12, "feedforward": 24, "layers": 1, "heads": 2},
}


@pytest.fixture(scope="module", params=ENCODERS)
def model(request: pytest.FixtureRequest, toy: Toy) -> TrainedModel:
    run(toy, request.param, encoder=ENCODERS[request.param])
    return load_model(toy.layout.model(request.param, "official", 0))


def test_a_still_is_predicted_for_itself(model: TrainedModel, toy: Toy) -> None:
    values, order = toy.tables["lin"]["c03"].values, np.random.default_rng(0).permutation(90)
    made = model.predict({"lin": FrameTable(values, np.ones(90, bool))}, stills=True)["va"]
    again = model.predict({"lin": FrameTable(values[order], np.ones(90, bool))}, stills=True)["va"]
    np.testing.assert_allclose(again, made[order], atol=1e-6)
    alone = model.predict({"lin": FrameTable(values[:1], np.ones(1, bool))})["va"]
    np.testing.assert_allclose(made[:1], alone, atol=1e-6)
    assert np.abs(model.predict({"lin": toy.tables["lin"]["c03"]})["va"] - made).max() > 1e-3, "a sequence says more"


def test_predictions_of_a_data_set_know_its_bundles(toy: Toy) -> None:
    chosen = experiment(encoder=ENCODERS["gru"])
    run(toy, "kept", encoder=ENCODERS["gru"])
    manifest = infer("kept", chosen, "official", 0, toy.layout, toy.layout)
    stored = prediction_store("kept", "official", 0, toy.layout).read_arrays("c03", manifest.clips["c03"]["key"])["va"]
    model = load_model(toy.layout.model("kept", "official", 0))
    stills = FrameTable(toy.tables["lin"]["c03"].values.astype(np.float16), np.ones(90, bool))
    np.testing.assert_allclose(stored, model.predict({"lin": stills}, stills=True)["va"], atol=1e-6)


def test_stills_are_learnt(toy: Toy) -> None:
    card, _ = run(toy, "learnt", epochs=25, batch=16, encoder=ENCODERS["gru"], segment=30)
    assert card.metrics["va"]["mean"] > 0.7
