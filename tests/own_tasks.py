"""Tasks as a user defines them."""

from __future__ import annotations

from typing import Any

from abaw_pipeline.datasets.definitions import TaskDefinition
from abaw_pipeline.tasks import Kind, Task


def own_task(name: str, kind: Kind, columns: tuple[str, ...], **more: Any) -> Task:
    return TaskDefinition(kind=kind, columns=list(columns), **more).named(name)
