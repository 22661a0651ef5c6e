"""The beginnings of a few clips, to try the media stage and extractors on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
from av.stream import Stream

from abaw_pipeline.datasets.container import opened, picture_stream, seconds
from abaw_pipeline.media.crop_files import list_crops
from abaw_pipeline.runtime.names import escape
from abaw_pipeline.types import Clip

SECONDS, PICTURES = 3.0, 40
"""Length of a beginning: of a recording, and of crops or stills (fewer than any recording shows in that time)."""


def beginnings(clips: list[Clip], folder: Path, most: int = 2) -> list[Clip]:
    """The beginnings of the first clips that can be cut.

    Args:
        folder: where cut recordings and crops go.
    """
    found: list[Clip] = []
    for number, clip in enumerate(clips):
        if len(found) == most:
            break
        try:
            found.append(_beginning(clip, folder / str(number)))
        except ValueError:  # a bad clip: the media stage says what is wrong with it
            continue
    return found


def _beginning(clip: Clip, folder: Path) -> Clip:
    folder.mkdir(parents=True)
    video = _cut_recording(clip.video, folder / f"{escape(clip.id)}.mkv") if clip.video else None
    crops = _first_crops(clip.crops, folder / "crops") if clip.crops else None
    return replace(clip, video=video, crops=crops, stills=clip.stills[:PICTURES], digest="a trial")


def _cut_recording(path: str, out: Path) -> str:
    """Copy the packets of the first seconds as they are."""
    with opened(path) as source, av.open(str(out), "w") as target:
        taken = [stream for stream in (picture_stream(source), next(iter(source.streams.audio), None)) if stream]
        copies: dict[int, Stream] = {stream.index: target.add_stream_from_template(stream) for stream in taken}
        first: float | None = None
        for packet in source.demux(*taken):
            at = seconds(packet.dts, packet.time_base)
            if at is None:
                continue
            first = at if first is None else first
            if at - first > SECONDS:
                break
            packet.pts = packet.dts if packet.pts is None else packet.pts  # AVI has none
            packet.stream = copies[packet.stream_index]
            target.mux(packet)
    return str(out)


def _first_crops(folder: str, out: Path) -> str:
    """Links to the first crops, numbered without gaps: a face in every frame."""
    out.mkdir()
    names = list(list_crops(folder).values())[:PICTURES]
    for number, name in enumerate(names, start=1):
        source = (Path(folder) / name).resolve()
        (out / f"{number:05d}{source.suffix}").symlink_to(source)
    return str(out)
