"""Which device computes, and with how many threads."""

from __future__ import annotations

import torch

from abaw_pipeline.runtime.cores import cores


def choose(name: str) -> torch.device:
    """The device called ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.

    Raises:
        ValueError: another name, or ``cuda`` where torch sees no CUDA device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device: no such device '{name}'; known: auto, cpu, cuda")
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise ValueError("device: 'cuda' is asked for, but torch sees no CUDA device; set device: cpu, or auto")
    return torch.device("cuda" if present and name != "cpu" else "cpu")


def precision(asked: str, device: torch.device) -> str:
    """``float32`` or ``bfloat16``: what was asked for; ``auto`` takes the latter on GPUs that are fast at it.

    Those are NVIDIA's from compute capability 8.0 (Ampere, 2020) on.
    """
    if asked != "auto":
        return asked
    fast = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return "bfloat16" if fast else "float32"


def named(device: torch.device) -> str:
    """``cpu``, or the name of the GPU, as artefacts note it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def use_threads(count: int | None) -> int:
    """Let torch compute with ``count`` threads (``None``: as many as there are cores); returns the number."""
    count = count or cores()
    torch.set_num_threads(count)
    return count
