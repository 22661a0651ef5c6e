"""Official face crops: kept byte for byte, one row per frame of the clock."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.media.pack import PictureWriter
from abaw_pipeline.runtime.files import atomic

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
    unreadable: list[str] = []
    with (
        atomic(path) as temporary,
        PictureWriter(temporary, key, "media.official", notes, aligned="official") as writer,
    ):
        for number in range(1, frames + 1):
            data = (Path(folder) / files[number]).read_bytes() if number in files else None
            if data is not None and not readable(data):
                unreadable.append(files[number])
                data = None
            writer.add(data)
        if unreadable:
            share = f"{len(unreadable)} of {len(files)} crops are no readable picture: {_some(unreadable)}"
            if len(unreadable) > max_error_share * len(files):
                raise ValueError(f"{folder}: {share} (media.max_error_share is {max_error_share:g})")
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
