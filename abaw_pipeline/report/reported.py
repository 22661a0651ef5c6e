"""The papers' own tables, as presets write them under ``reported``. Imports nothing heavy.

::

    reported:
      - title: "Table 3: action units"
        metric: F1
        columns: [{title: F1-val, score: mean}, {title: F1-test, score: mean, clips: test}]
        rows:
          - {name: "Our method", of: jnu_au_full, values: [0.533, 0.479]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from abaw_pipeline.strict import Strict, nearest, parse
from abaw_pipeline.tasks import TASKS

MEAN = "mean"
"""The column of a task's score: the mean over its columns; of a joined submission the score of its track."""
On = Literal["val", "apart", "test"]


class ReportedColumn(Strict):
    """A column whose heading is not the name of a score, or whose figures are of other clips than its rows'."""

    title: str
    score: str = MEAN
    """A column of the task, or ``mean``."""
    clips: On | None = None
    """``null``: as each row says."""


class ReportedRow(Strict):
    """A row of the paper's table, and what of ours stands beside it."""

    name: str
    of: str | None = None
    """Experiment, ensemble or submission of several tasks; ``null``: others' work, which the preset does not hold."""
    clips: On = "val"
    """``val``: held-out clips, out of fold; ``apart``: official validation clips that no fold uses; ``test``."""
    values: list[float | None]
    """One for each column; ``null`` where the paper gives none."""


class ReportedTable(Strict):
    """A table of a paper."""

    title: str
    metric: str
    """What the numbers are."""
    task: str | None = None
    """Whose scores these are, where an experiment of the rows predicts several tasks."""
    columns: list[str | ReportedColumn] = Field(min_length=1)
    rows: list[ReportedRow] = Field(min_length=1)

    @property
    def scored(self) -> list[ReportedColumn]:
        """The columns, those written as a name alone included."""
        return [
            one if isinstance(one, ReportedColumn) else ReportedColumn(title=one, score=one) for one in self.columns
        ]

    @model_validator(mode="after")
    def _rows_are_as_wide(self) -> ReportedTable:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(f"row '{row.name}' has {len(row.values)} values for {len(self.columns)} columns")
        return self


class _Section(Strict):
    reported: list[ReportedTable] = []


def read_reported(raw: Any, source: str) -> list[ReportedTable]:
    """Tables of a preset; ``source`` leads the message of a ``ValueError``."""
    return parse(_Section, {"reported": raw or []}, source).reported


def check_reported(tables: Sequence[ReportedTable], predicted: Mapping[str, Sequence[str]], source: str) -> None:
    """Raises ``ValueError`` where a table names what the settings do not hold.

    Args:
        predicted: tasks of everything that a row may be ``of``, by its name; none of a submission of several tasks,
            which has one score.
    """
    for table in tables:
        where = f"{source}: reported '{table.title}'"
        for row in table.rows:
            if row.of is None:
                continue
            if row.of not in predicted:
                raise ValueError(f"{where}: row '{row.name}': no '{row.of}'{nearest(row.of, predicted)}")
            try:
                task = task_of(table, predicted[row.of])
            except ValueError as error:
                raise ValueError(f"{where}: row '{row.name}': '{row.of}' {error}") from None
            known = [MEAN, *(TASKS[task].columns if task else ())]
            for column in table.scored:
                if column.score not in known:
                    raise ValueError(f"{where}: '{row.of}' has no score '{column.score}'{nearest(column.score, known)}")


def task_of(table: ReportedTable, predicted: Sequence[str]) -> str | None:
    """The task that a table is about, of those that something predicts; ``None``: it has one score for its track.

    Raises:
        ValueError: there are several, and the table does not say which, or another one.
    """
    if not predicted:
        return None
    if table.task is None and len(predicted) > 1:
        raise ValueError(f"predicts {', '.join(predicted)}; name one of them as the table's task")
    if table.task is not None and table.task not in predicted:
        raise ValueError(f"predicts {', '.join(predicted)}, not '{table.task}'")
    return table.task or predicted[0]
