"""Our scores in the rows and columns of the papers' own tables, and what they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abaw_pipeline.report.ours import Made, everything
from abaw_pipeline.report.reported import On, ReportedColumn, ReportedRow, ReportedTable, task_of
from abaw_pipeline.training.settings import ExperimentSettings

Row = dict[str, Any]

_ROLES: dict[On, tuple[str, ...]] = {"val": ("val", "held_out"), "apart": ("apart",), "test": ("truth", "test")}
"""The scores that count for a column: of the first role that there are any of."""


@dataclass(frozen=True)
class Published:
    """The papers' tables by preset.

    Attributes:
        small: the presets' networks were made small for what is ours.
    """

    tables: Mapping[str, Sequence[ReportedTable]]
    small: bool = False


NOTHING = Published({})


def side_by_side(published: Published, facts: Row, experiments: Mapping[str, ExperimentSettings]) -> list[Row]:
    """Every preset's tables, JSON-like: in each cell the paper's figure, and ours with what it was made with.

    Args:
        facts: what ``gather`` found.
    """
    beside = _Beside(everything(facts, experiments), frozenset(facts["made_up"]), published.small)
    return [
        {"preset": name, "tables": [beside.table(one) for one in tables]} for name, tables in published.tables.items()
    ]


@dataclass(frozen=True)
class _Beside:
    """Lays tables out.

    Attributes:
        made: everything of ours by name, on one or more data sets.
        made_up: names of data sets that were generated.
        small: as ``Published``.
    """

    made: Mapping[str, Sequence[Made]]
    made_up: frozenset[str]
    small: bool

    def table(self, table: ReportedTable) -> Row:
        return {
            "title": table.title,
            "metric": table.metric,
            "decimals": max(_decimals(value) for row in table.rows for value in row.values),
            "columns": [column.title for column in table.scored],
            "rows": [{"name": row.name, "of": row.of, "cells": self._cells(table, row)} for row in table.rows],
        }

    def _cells(self, table: ReportedTable, row: ReportedRow) -> list[Row]:
        made = self.made.get(row.of, []) if row.of else []
        cells = []
        for column, paper in zip(table.scored, row.values, strict=True):
            ours = [found for one in made if (found := self._ours(one, column, column.clips or row.clips, table))]
            why = "" if ours or not row.of else "no labels of these clips" if made else "not made yet"
            cells.append({"paper": paper, "ours": ours, "why": why})
        return cells

    def _ours(self, made: Made, column: ReportedColumn, on: On, table: ReportedTable) -> Row | None:
        """The figure, and whether anything that it was made with forbids to compare it with the paper's."""
        task = task_of(table, made.tasks)
        role = next((role for role in _ROLES[on] if (role, task) in made.scores), None)
        if role is None:
            return None
        made_up, whole = sorted(made.data & self.made_up), made.models[0] == made.models[1]
        return {
            "value": made.scores[role, task][column.score],
            "clips": role,
            "dataset": made.dataset,
            "made_up": made_up,
            "random_features": sorted(made.random),
            "small": self.small,
            "models": list(made.models),
            "comparable": whole and not (made_up or made.random or self.small),
        }


def _decimals(value: float | None) -> int:
    return 0 if value is None else len(str(value).partition(".")[2])
