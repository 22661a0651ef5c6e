"""What a training says of each of its epochs. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from abaw_pipeline.tasks import TASKS
from abaw_pipeline.training.scores import MEASURES


@dataclass(frozen=True)
class Epoch:
    """One line of the history.

    Attributes:
        epoch: counted from 1.
        loss: mean over the steps of the weighted sum over tasks.
        losses: by task, its own mean over the steps that saw an annotated frame of it, without its weight.
        score: sum of the tasks' validation scores; ``None`` where no clips are held out.
        scores: by task ``mean``, its validation score, and the metric of each column by the column's name.
        lr: learning rate after the epoch.
    """

    epoch: int
    loss: float
    losses: dict[str, float]
    score: float | None
    scores: dict[str, dict[str, float]]
    lr: float

    def flat(self) -> dict[str, float]:
        """The line as columns of a table, ``epoch, loss, ccc_valence, ..., mean, lr``.

        With several tasks their columns bear their names (``va_mean``, ``au_loss``), and ``score`` is the sum.
        """
        several = len(self.losses) > 1
        row: dict[str, float] = {"epoch": self.epoch, "loss": self.loss}
        for task, loss in self.losses.items():
            prefix, measure = f"{task}_" if several else "", MEASURES[TASKS[task].kind].lower()
            if several:
                row[f"{task}_loss"] = loss
            scores = self.scores.get(task, {})
            row |= {f"{prefix}{measure}_{name}": value for name, value in scores.items() if name != "mean"}
            row |= {f"{prefix}mean": value for name, value in scores.items() if name == "mean"}
        if several and self.score is not None:
            row["score"] = self.score
        return row | {"lr": self.lr}
