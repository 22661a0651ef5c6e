"""What is known of one artefact: up to date, stale or missing, why, and what making it would take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

UP_TO_DATE, STALE, MISSING = "up to date", "stale", "missing"


@dataclass
class State:
    """One artefact.

    Attributes:
        what: in words, ``feature fbank on demo``.
        work: what would be done, ``extract 6 clips``; empty where nothing would.
        affected: clips whose part would be made anew.
        whole: everything of it would.
        inputs: what it is made from.
        notes: what differs and does not count.
    """

    what: str
    status: str = UP_TO_DATE
    reasons: list[str] = field(default_factory=list)
    work: str = ""
    affected: set[str] = field(default_factory=set)
    whole: bool = False
    inputs: list[State] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        return self.status == UP_TO_DATE

    def stale(self, reasons: list[str], status: str = STALE) -> None:
        """Add reasons; without one nothing changes."""
        if reasons:
            self.reasons += reasons
            self.status = MISSING if MISSING in (status, self.status) else STALE

    def stale_inputs(self) -> list[State]:
        return [state for state in self.inputs if not state.fine]

    def input_reasons(self) -> list[str]:
        """One for each input that is not up to date."""
        return [f"{state.what} is {state.status}" for state in self.stale_inputs()]

    def walk(self) -> Iterator[State]:
        """Everything it is made from, then itself; each once."""
        seen: set[str] = set()
        yield from self._walk(seen)

    def _walk(self, seen: set[str]) -> Iterator[State]:
        for state in self.inputs:
            yield from state._walk(seen)
        if self.what not in seen:
            seen.add(self.what)
            yield self
