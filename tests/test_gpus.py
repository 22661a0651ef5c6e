"""Which GPUs there are, by ``CUDA_VISIBLE_DEVICES`` and by an ``nvidia-smi`` that these tests put in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from abaw_pipeline.runtime.gpus import devices

A = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
B = "GPU-5d5bffff-0b1c-4d2e-8f3a-1b2c3d4e5f60"
M = "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"
N = "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"
TWO = f"GPU 0: NVIDIA H100 80GB HBM3 (UUID: {A})\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: {B})\n"
SPLIT = (
    f"GPU 0: NVIDIA A100-SXM4-40GB (UUID: {A})\n"
    f"GPU 1: NVIDIA A100-SXM4-40GB (UUID: {B})\n"
    f"  MIG 3g.20gb     Device  0: (UUID: {M})\n  MIG 3g.20gb     Device  1: (UUID: {N})\n"
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Set what ``nvidia-smi -L`` prints (``None``: there is none) and ``CUDA_VISIBLE_DEVICES`` (``None``: not set)."""

    def set_up(listed: str | None, visible: str | None, code: int = 0) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        if listed is not None:
            (tmp_path / "listed").write_text(listed)
            script = tmp_path / "nvidia-smi"
            script.write_text(f'#!/bin/sh\n[ "$*" = -L ] || exit 9\n/bin/cat {tmp_path}/listed\nexit {code}\n')
            script.chmod(0o755)
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return set_up


@pytest.mark.parametrize(
    ("listed", "visible", "names"),
    [
        (None, None, []),
        ("", None, []),
        (TWO, None, [A, B]),
        (SPLIT, None, [A, M, N]),
        (TWO, "", []),
        (TWO, "-1", []),
        (TWO, "1,-1,0", [B]),  # CUDA reads up to the first -1
        (TWO, "1", [B]),
        (TWO, " 1, 0 ,1", [B, A]),
        (TWO, A, [A]),
        (TWO, f"0,{A}", [A]),
        (TWO, "GPU-5d5bf", [B]),
        (SPLIT, f"{N},0", [N, A]),
        (None, "0,01,3", ["0", "1", "3"]),
        (None, f"{B},MIG-{A}/1/0", [B, f"MIG-{A}/1/0"]),
    ],
)
def test_devices(machine, listed, visible, names):
    machine(listed, visible)
    assert devices() == names


@pytest.mark.parametrize(
    ("listed", "visible", "message"),
    [
        (TWO, "2", "'2' is no GPU here"),
        (TWO, "GPU-77", "'GPU-77' is no GPU here"),
        (TWO, "GPU-5d5b", "'GPU-5d5b' is the beginning of several UUIDs here"),
        (SPLIT, "1", "'1' is split by MIG, name its parts"),
        (SPLIT, B, "split by MIG"),
        (TWO, "0,one", "'one' is neither a number nor a UUID"),
        (None, "0,,1", "'' is neither a number nor a UUID"),
    ],
)
def test_a_device_that_is_not_there_is_one_line(machine, listed, visible, message):
    machine(listed, visible)
    with pytest.raises(ValueError) as error:
        devices()
    text = str(error.value)
    assert text.startswith(f"CUDA_VISIBLE_DEVICES={visible}: ") and message in text and "\n" not in text


def test_a_driver_that_does_not_answer_is_told(machine, capsys):
    machine("Failed to initialize NVML: Driver/library version mismatch\n", None, code=18)
    assert devices() == []
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "Driver/library version mismatch" in told
    machine("Failed to initialize NVML\n", "0,1", code=18)
    assert devices() == ["0", "1"]
