"""Official face crops, and stills: kept byte for byte, one row per frame of the clock."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.media.pack import PictureWriter
from abaw_pipeline.runtime.files import atomic
from abaw_pipeline.types import Clip

PAST_END = 5
"""Most crops past the last picture: label files, decoders and crop folders differ by a few frames."""


def write_official(folder: str, frames: int, max_error_share: float, path: Path, key: str) -> None:
    """Pack a folder of crops; a missing or unreadable crop is a frame without a face.

    Args:
        frames: number of frames of the clip's clock.
        max_error_share: largest share of the crops that may be unreadable.

    Raises:
        ValueError: a bad folder (see ``list_crops``), crops numbered more than ``PAST_END`` past the last frame,
            or too many unreadable crops.
    """
    files = list_crops(folder)
    notes: list[str] = []
    _check_numbers(folder, list(files), frames, notes)
    places = {number: Path(folder) / name for number, name in files.items()}
    _pack([places.get(number) for number in range(1, frames + 1)], folder, max_error_share, notes, path, key)


def write_stills(clip: Clip, max_error_share: float, path: Path, key: str) -> None:
    """Pack a bundle of stills, each a frame with a face; an unreadable one is a frame without.

    Args:
        max_error_share: largest share of the stills that may be unreadable.

    Raises:
        ValueError: too many unreadable stills.
    """
    _pack([Path(still) for still in clip.stills], f"stills of {clip.id}", max_error_share, [], path, key)


def _pack(
    places: Sequence[Path | None], what: str, max_error_share: float, notes: list[str], path: Path, key: str
) -> None:
    """One picture or none per frame."""
    there = sum(place is not None for place in places)
    unreadable: list[str] = []
    with (
        atomic(path) as temporary,
        PictureWriter(temporary, key, "media.official", notes, aligned="official") as writer,
    ):
        for place in places:
            data = place.read_bytes() if place else None
            if place and data is not None and not readable(data):
                unreadable.append(place.name)
                data = None
            writer.add(data)
        if unreadable:
            share = f"{len(unreadable)} of {there} crops are no readable picture: {_some(unreadable)}"
            if len(unreadable) > max_error_share * there:
                raise ValueError(f"{what}: {share} (media.max_error_share is {max_error_share:g})")
            notes.append(share)


def readable(data: bytes) -> bool:
    """Whether bytes are a whole JPEG or PNG picture. A truncated one is not: its rest would be made up as grey."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for damaged files
        return False
    return True


def _check_numbers(folder: str, numbers: list[int], frames: int, notes: list[str]) -> None:
    beyond = [number for number in numbers if number > frames]
    if not beyond:
        return
    if beyond[-1] > frames + PAST_END:
        raise ValueError(
            f"{folder}: crops reach number {beyond[-1]}, the recording has {frames} frames; "
            f"do they belong to another recording? (up to {PAST_END} are tolerated)"
        )
    notes.append(f"{len(beyond)} crops past the last of {frames} frames left out")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
