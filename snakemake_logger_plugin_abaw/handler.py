"""The handler that Snakemake calls with every record."""

from __future__ import annotations

import logging
import sys
import threading
import time

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_abaw.screen import Screen
from snakemake_logger_plugin_abaw.teller import Teller

TICK = 1.0  # seconds between two writings of the line of running jobs


class LogHandler(LogHandlerBase):
    """One line a finished job, the end of the log of a failed one; Snakemake's own words for everything else."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        common = self.common_settings
        self.teller = Teller(common)
        quiet = self.teller.quiet
        self.silent = Quietness.ALL in quiet and not common.dryrun
        self.plain = ColorizingTextHandler(
            nocolor=common.nocolor,
            stream=sys.stdout if common.stdout else sys.stderr,
            formatter=DefaultFormatter(quiet),
            filter=DefaultFilter(quiet, common.debug_dag, common.verbose, common.dryrun, common.printshellcmds),
        )
        live = self.plain.can_color_tty() and self.teller.progress and not common.dryrun
        self.screen = Screen(self.plain.stream, live)
        self.closed = threading.Event()
        if live:
            threading.Thread(target=self._tick, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record)
            self._refresh(record.created)
        except Exception:
            # it would end the thread in which Snakemake hands its records over, and with it all output
            self.handleError(record)

    def close(self) -> None:
        """Say what became of the run, once."""
        if not self.closed.is_set():
            self.closed.set()
            self.screen.wipe()
            for text in [*self.teller.held, self.teller.end()]:
                if text and not self.silent:
                    self.screen.line(self._paint(text, bad=bool(self.teller.held or self.teller.board.failed)))
        super().close()

    def _show(self, record: logging.LogRecord) -> None:
        text = self.teller.tell(record.__dict__)
        theirs = text is None or (not text and self.common_settings.verbose)
        if theirs and self.plain.filter(record):
            self.screen.wipe()
            self.plain.emit(record)
        elif text and not self.silent:
            self.screen.line(self._paint(text, bad=record.levelno >= logging.ERROR))

    def _refresh(self, now: float) -> None:
        if self.screen.live and not self.closed.is_set():
            self.screen.status(self.teller.running(now))

    def _tick(self) -> None:
        while not self.closed.wait(TICK):
            self.acquire()
            try:
                self._refresh(time.time())
            finally:
                self.release()

    def _paint(self, text: str, bad: bool) -> str:
        if self.plain.nocolor or not bad:
            return text
        return f"{self.plain.COLOR_SEQ % (30 + self.plain.RED)}{text}{self.plain.RESET_SEQ}"
