"""Lines on a stream, and on a terminal one more that is written over as long as jobs run."""

from __future__ import annotations

import os
from typing import TextIO

from snakemake_logger_plugin_abaw.text import cut

WIPE = "\r\x1b[K"


class Screen:
    """``live`` says whether the stream is a terminal that can wipe a line."""

    def __init__(self, stream: TextIO, live: bool) -> None:
        self.stream = stream
        self.live = live
        self._shown = ""

    def line(self, text: str) -> None:
        self.wipe()
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def status(self, text: str) -> None:
        """Write over the last line; nothing without a terminal."""
        text = cut(text, self._width() - 1) if self.live else ""
        if text != self._shown:
            self.wipe()
            # back to the start of the line: whatever others write begins there
            self.stream.write(f"{text}\r" if text else "")
            self.stream.flush()
            self._shown = text

    def wipe(self) -> None:
        if self._shown:
            self.stream.write(WIPE)
            self.stream.flush()
            self._shown = ""

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self.stream.fileno()).columns
        except OSError:
            return 80
