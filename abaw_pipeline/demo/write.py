"""One recording of the built-in corpus to disk: video and aligned crops."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from abaw_pipeline.demo import face, scene, voice
from abaw_pipeline.demo.cast import SOUND_LENGTH, Person, Recording
from abaw_pipeline.demo.performance import Part, perform, stream
from abaw_pipeline.demo.shapes import SHAPES
from abaw_pipeline.demo.signals import CONTROLS
from abaw_pipeline.demo.video import write_video

_CROP_QUALITY = 92


def write_recording(root: Path, recording: Recording, seed: int, layout: str) -> None:
    """Write the pictures and the sound of one recording below ``root``; the same arguments give the same bytes.

    Args:
        layout: one of ``SHAPES``.
    """
    cv2.setNumThreads(1)  # recordings are written in parallel
    parts = perform(recording, seed)
    times = np.arange(recording.frames) / float(recording.rate)
    shots = [
        _shots(root, layout, person, part, times, stream(seed, recording, 4, seat))
        for seat, (person, part) in enumerate(zip(recording.people, parts, strict=True))
    ]
    pictures = (np.hstack(pieces) for pieces in zip(*shots, strict=True))
    path = SHAPES[layout].video(root, recording)
    if path is None:  # the crops are written on the way
        deque(pictures, maxlen=0)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    size = (recording.width, scene.HEIGHT)
    write_video(path, pictures, size, recording.rate, _sound(recording, parts, seed), voice.SAMPLE_RATE)


def _sound(recording: Recording, parts: list[Part], seed: int) -> np.ndarray | None:
    if recording.sound == "none":
        return None
    seconds = recording.frames / float(recording.rate) * SOUND_LENGTH[recording.sound]
    return voice.speak(stream(seed, recording, 5), parts[0].emotion.arousal, seconds)


def _shots(
    root: Path, layout: str, person: Person, part: Part, times: np.ndarray, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """The person's half of every picture; on the way their crops are written."""
    backdrop, poses = scene.draw_backdrop(rng), scene.draw_poses(rng, times)
    who = face.make_person(scene.draw_tone(rng), rng.uniform(-1, 1, len(face.IDENTITY)))
    controls = part.emotion.at(times).controls
    weights = face.weights(controls, who.identity)
    landmarks, mouths = scene.place(face.move(face.LANDMARKS, weights), poses), face.mouths(weights)
    gapes = controls[:, CONTROLS.index("open")]
    for i in range(len(times)):
        if not part.present[i]:
            yield backdrop
            continue
        picture = scene.stand(face.draw_face(who, weights[i], mouths[i], float(gapes[i])), poses[i], backdrop)
        crop = person.clip and SHAPES[layout].crop(root, person.clip, i + 1)
        if crop:
            _write_crop(crop, scene.aligned_crop(picture, landmarks[i]))
        yield picture


def _write_crop(path: Path, crop: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _CROP_QUALITY])
    if not done:
        raise OSError(f"{path}: OpenCV could not encode the crop")
    path.write_bytes(data.tobytes())
