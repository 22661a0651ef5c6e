"""The order of a submission's rows against that of the sample file."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cached_property

from abaw_pipeline.datasets.samples import bare_id


class RowOrder:
    """Follows the rows of a file through the sample, and tells missing, swapped, foreign and repeated ones apart."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.line_of = array("Q", bytes(8 * len(names)))  # 0: not seen yet
        self.next = 0
        self.jumps: list[tuple[int, int, int]] = []  # line, first and last + 1 of the rows it passed over

    def see(self, name: str, line: int) -> Iterator[str]:
        """Take the next row of the file; yields what is wrong with its place."""
        self._pass_seen()
        if self.next < len(self.names) and self.names[self.next] == name:
            place = self.next
        else:
            places = self._places.get(name, [])
            free = [p for p in places if not self.line_of[p]]
            if not free:
                yield self._unwanted(name, places)
                return
            place = next((p for p in free if p >= self.next), free[0])
            if place < self.next:
                yield f"'{name}' is out of order: it belongs {self._before(place)}"
            else:
                self.jumps.append((line, self.next, place))
        self.line_of[place] = line
        self.next = place + 1

    def finish(self, end: int) -> Iterator[tuple[int, str]]:
        """Rows that never came, and those that came too late, with the line they were due.

        Args:
            end: the line after the file's last.
        """
        for line, start, stop in self.jumps:
            late = next((place for place in range(start, stop) if self.line_of[place]), None)
            if late is not None:
                yield line, f"'{self.names[late]}' is due here; it comes only in line {self.line_of[late]}"
        for start, stop in self._gaps():
            count = stop - start
            rows = f"row '{self.names[start]}' is" if count == 1 else f"{count} rows from '{self.names[start]}' on are"
            yield min(self.line_of[start - 1] + 1 if start else 2, end), f"{rows} missing here"

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Positions by name; made when the first row is not the one expected."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(self.names):
            places.setdefault(name, []).append(place)
        return places

    @cached_property
    def _spelt(self) -> dict[str, str]:
        """Names of rows that are clips, by what stays of them without brackets and leading zeros."""
        return {_bare(name): name for name in self.names if "/" not in name}

    @cached_property
    def _clips(self) -> set[str]:
        return {name.rpartition("/")[0] for name in self.names}

    def _pass_seen(self) -> None:
        while self.next < len(self.names) and self.line_of[self.next]:
            self.next += 1

    def _before(self, place: int) -> str:
        following = place + 1
        while following < len(self.names) and not self.line_of[following]:
            following += 1
        return f"before line {self.line_of[following]}" if following < len(self.names) else "further up"

    def _unwanted(self, name: str, places: list[int]) -> str:
        if places:
            return f"'{name}' is there twice, first in line {self.line_of[places[0]]}"
        alike = self._spelt.get(_bare(name)) if "/" not in name else None
        if alike:
            return f"'{name[:80]}' is spelt '{alike}' in the sample file, and must be here"
        if "/" in name and name.rpartition("/")[0] in self._clips:
            return f"'{name[:80]}' is not in the sample file, though its clip is"
        return f"'{name[:80]}' is of a foreign clip: the sample file has none of that name"

    def _gaps(self) -> Iterator[tuple[int, int]]:
        """Runs of rows that never came, as start and stop."""
        start = None
        for place, line in enumerate(self.line_of):
            if not line and start is None:
                start = place
            elif line and start is not None:
                yield start, place
                start = None
        if start is not None:
            yield start, len(self.line_of)


def _bare(name: str) -> str:
    return bare_id(name).lstrip("0")
