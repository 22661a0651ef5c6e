"""The parts of speechbrain that make ECAPA-TDNN, without the stand-ins that its import leaves in ``sys.modules``.

Speechbrain registers modules of optional dependencies that are imported once an attribute of them is asked for. A
program that looks at every loaded module, as hypothesis does, would stop there for want of them.
"""

from __future__ import annotations

import sys

from abaw_pipeline.runtime import torch_compat  # noqa: F401  # before speechbrain, which imports torchaudio

from speechbrain.lobes.features import Fbank  # isort: skip
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.processing.features import InputNormalization
from speechbrain.utils.importutils import LazyModule

__all__ = ["ECAPA_TDNN", "Fbank", "InputNormalization"]

for _name, _module in list(sys.modules.items()):
    if isinstance(_module, LazyModule):
        del sys.modules[_name]
