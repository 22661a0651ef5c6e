"""Following, alignment and detection of faces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from abaw_pipeline.media.align import TEMPLATE, cut, from_box, from_landmarks
from abaw_pipeline.media.detect import Haar, detect_shrunken, make_detector
from abaw_pipeline.media.faces import follower_of
from abaw_pipeline.media.follow import Follower, overlap
from abaw_pipeline.media.settings import FaceSettings, MediaSettings
from abaw_pipeline.types import Clip
from tests.media_fixtures import YUNET, scene

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT, MIDDLE, BIG = ([20, 50, 60, 60], [320, 50, 60, 60], [170, 70, 60, 60], [250, 20, 100, 100])


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def follower(choose="largest", **more):
    return Follower(choose, **{"min_overlap": 0.3, "max_lost_s": 1.0, **more})


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.lists(st.floats(1, 50), min_size=4, max_size=4))
def test_overlap_is_symmetric_and_one_only_with_itself(corners, sides):
    a, b = np.array([*corners[:2], *sides[:2]]), np.array([*corners[2:], *sides[2:]])
    shared = overlap(a, b[None])[0]
    assert 0 <= shared <= 1 + 1e-9
    assert shared == pytest.approx(overlap(b, a[None])[0])
    assert overlap(a, a[None])[0] == pytest.approx(1)


def test_overlap_of_half_shifted_squares_is_a_third():
    assert overlap(np.array([0, 0, 2, 2]), boxes([1, 0, 2, 2]))[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("choose", "expected"), [("largest", 3), ("central", 2), ("left", 0), ("right", 1)])
def test_rule_that_starts_a_track(choose, expected):
    assert follower(choose).step(boxes(LEFT, RIGHT, MIDDLE, BIG), 0.0, WIDTH, HEIGHT) == expected


def test_track_stays_with_its_person_when_a_larger_face_comes():
    track = follower()
    assert track.step(boxes(LEFT), 0.0, WIDTH, HEIGHT) == 0
    assert track.step(boxes(BIG, LEFT), 0.04, WIDTH, HEIGHT) == 1


def test_track_moves_with_its_person():
    track = follower("left")
    for step in range(20):
        moved = [60 + 13 * step, 50, 60, 60]
        found = track.step(boxes(moved) if step == 0 else boxes([0, 50, 60, 60], moved), step / 25, WIDTH, HEIGHT)
        assert found == (0 if step == 0 else 1)


def test_a_short_miss_is_no_change_of_person_and_a_long_one_is():
    track = follower()
    track.step(boxes(LEFT), 0.0, WIDTH, HEIGHT)
    assert track.step(boxes(), 0.1, WIDTH, HEIGHT) is None
    assert track.step(boxes(RIGHT), 0.5, WIDTH, HEIGHT) is None, "another face, while the track waits for its own"
    assert track.step(boxes(RIGHT, LEFT), 0.9, WIDTH, HEIGHT) == 1
    assert track.step(boxes(RIGHT), 1.8, WIDTH, HEIGHT) is None
    assert track.step(boxes(RIGHT), 2.0, WIDTH, HEIGHT) == 0


def test_one_of_two_people_is_not_mixed_up_with_the_other():
    settings = MediaSettings(faces=FaceSettings(choose="largest"))
    left = follower_of(Clip("x_left", "x", side="left"), settings)
    assert left.step(boxes(BIG), 0.0, WIDTH, HEIGHT) is None, "the other one, seen alone"
    assert left.step(boxes(BIG, LEFT), 0.1, WIDTH, HEIGHT) == 1
    right = follower_of(Clip("x_right", "x", side="right"), settings)
    assert right.step(boxes(BIG, LEFT), 0.0, WIDTH, HEIGHT) == 0
    alone = follower_of(Clip("x", "x"), MediaSettings(faces=FaceSettings(choose="left")))
    assert alone.step(boxes(BIG), 0.0, WIDTH, HEIGHT) == 0


@given(
    st.floats(0.2, 5),
    st.floats(-np.pi, np.pi),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    st.sampled_from([112, 224]),
)
def test_moved_template_is_moved_back(scale, angle, shift, size):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = TEMPLATE @ turn.T + shift
    back = from_landmarks(points, size)
    assert points @ back[:, :2].T + back[:, 2] == pytest.approx(TEMPLATE * size / 112, abs=1e-6)


def test_least_squares_agrees_with_umeyama_of_scikit_image():
    points = TEMPLATE * 2.5 + np.random.default_rng(0).normal(0, 4, (5, 2))
    reference = SimilarityTransform.from_estimate(points, TEMPLATE)
    assert from_landmarks(points, 112) == pytest.approx(reference.params[:2], abs=1e-9)


def test_landmarks_in_one_point_are_refused():
    with pytest.raises(ValueError, match="one point"):
        from_landmarks(np.full((5, 2), 7.0), 112)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0, 3.7])
def test_cut_puts_a_point_where_the_transform_says(scale):
    picture = np.zeros((500, 600, 3), np.uint8)
    centre = np.array([300.0, 220.0])
    cv2.circle(picture, (300, 220), max(2, round(6 * scale)), (255, 255, 255), -1)
    crop = cut(picture, from_landmarks((TEMPLATE - TEMPLATE[2]) * scale + centre, 112), 112)[..., 0].astype(float)
    rows, columns = np.mgrid[:112, :112]
    middle = [(crop * columns).sum() / crop.sum(), (crop * rows).sum() / crop.sum()]
    assert middle == pytest.approx(TEMPLATE[2], abs=0.15)


def test_box_crop_is_undistorted_centred_across_and_lower_than_the_box():
    transform = from_box(np.array([100, 80, 200, 200]), 112)
    corners = np.array([[100, 80], [300, 280]]) @ transform[:, :2].T + transform[:, 2]
    assert transform[0, 0] == transform[1, 1] and transform[0, 1] == transform[1, 0] == 0
    assert corners[:, 0].sum() == pytest.approx(112)
    assert corners[0, 1] > 0, "the forehead is in the crop"
    assert corners[:, 1].mean() > 56, "the template puts the middle of a face under the middle of its crop"


def test_haar_finds_the_portrait_at_its_place_and_nothing_in_grey():
    detector = Haar()
    found = detector.detect(scene(640, 360, (300, 60, 256))[..., ::-1])
    assert len(found.boxes) == 1 and found.landmarks is None
    x, y, width, height = found.boxes[0]
    assert 300 < x < x + width < 556 and 60 < y < y + height < 316
    assert detector.detect(scene(640, 360)).boxes.shape == (0, 4)


def test_boxes_of_a_shrunken_picture_are_in_pixels_of_the_whole():
    picture = np.ascontiguousarray(scene(1280, 720, (600, 120, 512))[..., ::-1])
    whole, shrunken = Haar().detect(picture).boxes, detect_shrunken(Haar(), picture, 640).boxes
    assert len(whole) == len(shrunken) == 1
    assert overlap(whole[0], shrunken)[0] > 0.7


def test_yunet_without_a_model_names_the_setting(tmp_path):
    with pytest.raises(ValueError, match=r"set media\.faces\.model"):
        make_detector(FaceSettings(detector="yunet"))
    with pytest.raises(ValueError, match=r"media\.faces\.model: no such file"):
        make_detector(FaceSettings(detector="yunet", model=str(tmp_path / "none.onnx")))
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(ValueError, match="no YuNet model"):
        make_detector(FaceSettings(detector="yunet", model=str(tmp_path / "bad.onnx")))


@pytest.mark.skipif(not YUNET.exists(), reason="needs the YuNet model file")
def test_both_detectors_align_the_portrait_alike():
    picture = np.ascontiguousarray(scene(640, 360, (300, 60, 256))[..., ::-1])
    found = make_detector(FaceSettings(detector="yunet", model=str(YUNET))).detect(picture)
    points = found.landmarks[0]
    assert points[0, 0] < points[1, 0] and points[3, 0] < points[4, 0] and points[0, 1] < points[2, 1] < points[3, 1]
    transform = from_box(Haar().detect(picture).boxes[0], 112)
    by_box = points @ transform[:, :2].T + transform[:, 2]
    assert np.abs(by_box - TEMPLATE).mean() < 9, "a box knows no landmarks, but puts them near the template's"
