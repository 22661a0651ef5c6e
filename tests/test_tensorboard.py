"""Event files, read as TensorBoard reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event

from abaw_pipeline.runtime.storage import CannotWrite
from abaw_pipeline.training import tensorboard
from abaw_pipeline.training.tensorboard import EventFile
from tests.test_selection import HISTORY


def events(path: Path) -> Iterator[Event]:
    """The records of a TFRecord file: length, its checksum, data, its checksum."""
    data = path.read_bytes()
    while data:
        head, (size,) = data[:8], struct.unpack("<Q", data[:8])
        body = data[12 : 12 + size]
        assert struct.unpack("<II", data[8:12] + data[12 + size : 16 + size]) == (_masked(head), _masked(body))
        yield Event.FromString(body)
        data = data[16 + size :]


def _masked(data: bytes) -> int:
    """https://github.com/google/crc32c, masked as TFRecord asks."""
    value = crc32c(data)
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def shown(folder: Path) -> dict[str, dict[int, float]]:
    """Value by step of each scalar over all event files of a folder; no step twice."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.iterdir()):
        first, *others = events(path)
        assert first.file_version == "brain.Event:2"
        for event in others:
            (value,) = event.summary.value
            assert event.step not in found.setdefault(value.tag, {})
            found[value.tag][event.step] = value.simple_value
    return found


def expected(epochs: int) -> dict[str, dict[int, float]]:
    rows = [epoch.flat() for epoch in HISTORY[:epochs]]
    return {name: {int(row["epoch"]): pytest.approx(row[name]) for row in rows} for name in rows[0] if name != "epoch"}


def test_every_epoch_is_there_once_it_is_over(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events")
    for epochs in range(1, len(HISTORY) + 1):
        file.show(HISTORY[:epochs])
        assert shown(tmp_path / "events") == expected(epochs)
    file.show(HISTORY)
    assert shown(tmp_path / "events") == expected(len(HISTORY))


def test_a_training_that_goes_on_shows_no_epoch_twice(tmp_path: Path) -> None:
    EventFile(tmp_path).show(HISTORY[:3])  # the third was shown, and its checkpoint lost
    resumed = EventFile(tmp_path)
    resumed.show(HISTORY[:3])
    resumed.show(HISTORY)
    assert shown(tmp_path) == expected(4)


def test_a_full_disk_stops_nothing(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise CannotWrite(tmp_path, 28, "0 B free")

    monkeypatch.setattr(tensorboard, "_write", full)
    file = EventFile(tmp_path)
    for epochs in (1, 2):
        file.show(HISTORY[:epochs])
    assert capsys.readouterr().err.count("a full or read-only disk (0 B free)") == 1
