"""The history of a training as an event file for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abaw_pipeline.runtime.progress import say
from abaw_pipeline.runtime.storage import CannotWrite, writing
from abaw_pipeline.training.history import Epoch

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter


class EventFile:
    """One scalar per column of ``Epoch.flat`` and epoch, in a file of its own per call of ``abaw train``.

    A full disk does not stop the training; what it would have shown stays unwritten.

    Args:
        folder: of one training; event files that an earlier call left there are replaced, so that no epoch shows twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: EventsWriter | None = None
        self._written = 0
        self._lost = False

    def show(self, history: Sequence[Epoch]) -> None:
        """Write the epochs of ``history`` that are not written yet."""
        if self._lost:
            return
        try:
            with writing(self._folder):
                writer = self._writer = self._writer or self._begin()
                for epoch in history[self._written :]:
                    _write(writer, epoch)
                writer.flush()
        except CannotWrite as fault:
            say(f"{self._folder}: a full or read-only disk ({fault.free}); TensorBoard shows this training no further")
            self._lost = True
        self._written = len(history)

    def _begin(self) -> EventsWriter:
        from tensorboardX.event_file_writer import EventsWriter  # imports protobuf: only where there is work

        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.glob("events.out.tfevents.*"):
            path.unlink()
        return EventsWriter(str(self._folder / "events"))


def _write(writer: EventsWriter, epoch: Epoch) -> None:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.summary import scalar

    for name, value in epoch.flat().items():
        if name != "epoch":
            writer.write_event(Event(wall_time=time.time(), step=epoch.epoch, summary=scalar(name, value)))
