"""Settings of submission files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from abaw_pipeline.strict import Strict


class SubmissionSettings(Strict):
    """How predictions become the organisers' file."""

    fill: Literal["refuse", "zero", "mean"] = "refuse"
    """Rows of the sample that no prediction covers: ``refuse`` writes nothing and says which; ``zero`` writes 0
    (the first class, no unit); ``mean`` writes the mean over every row that is predicted, of classes and units what
    their mean probabilities say. Filled rows are counted in the provenance file."""
    decimals: int = Field(default=6, ge=1, le=17)
    """Digits after the point of values; classes and units are whole numbers."""
