"""Long short-term memory."""

from __future__ import annotations

from abaw_pipeline.models.encoders.recurrent import Lstm, RecurrentEncoder
from abaw_pipeline.models.encoders.settings import LstmSettings


class LstmEncoder(RecurrentEncoder):
    """LSTM over each window, or on from segment to segment of a clip; its cells are carried too."""

    def __init__(self, settings: LstmSettings) -> None:
        super().__init__(settings, Lstm)
