"""How jobs share the GPUs of a machine. No setting here decides a value, so changing one reruns nothing."""

from __future__ import annotations

from pydantic import Field

from abaw_pipeline.strict import Strict


class GpuSettings(Strict):
    """Who may use a GPU at the same time (``runtime/lease.py``)."""

    trainings_per_device: int = Field(1, ge=1, le=64)
    """Trainings, and predictions by trained models, that may share one GPU. Extraction always has one to itself.
    With 3 on two GPUs: ``snakemake --resources gpu=6``. Clusters give every job a GPU of its own."""
    leases: str = Field("/tmp/abaw-gpus", min_length=1)
    """Folder of the lock files: on the machine's own disk, and the same one for every user and run of the machine."""
