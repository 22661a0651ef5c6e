"""Settings of submission files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from abaw_pipeline.strict import Strict


class JoinedSettings(Strict):
    """The ensemble of each task of the multi-task track."""

    va: str
    expr: str
    au: str


class SubmissionSettings(Strict):
    """How predictions become the organisers' file."""

    fill: Literal["refuse", "zero", "mean"] = "refuse"
    """Rows of the sample that no prediction covers: ``refuse`` writes nothing and says which; ``zero`` writes 0
    (the first class, no unit); ``mean`` writes the mean over every row that is predicted, of classes and units what
    their mean probabilities say. Filled rows are counted in the provenance file."""
    decimals: int = Field(default=6, ge=1, le=17)
    """Digits after the point of values; classes and units are whole numbers."""
    per_video: bool = False
    """The zip of VA, EXPR, AU and CE holds one ``<video>.txt`` per video, with the header of annotation files and
    no names of frames, as editions 2 and 3 took it; else the one file of all videos."""
    mtl: dict[str, JoinedSettings] = {}
    """Submissions of the multi-task track: by name, which ensemble predicts which of its tasks."""

    @property
    def of_each_file(self) -> SubmissionSettings:
        """What decides how any one file is written."""
        return self.model_copy(update={"mtl": {}})
