"""Pictures through a network: rows keep their frames, whatever the clips, the batches and the errors."""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from abaw_pipeline.features.batches import FRAMES
from abaw_pipeline.features.compute import Embedder
from abaw_pipeline.features.frames import AHEAD, CPU_BATCH, IN_FLIGHT, embed_clips
from abaw_pipeline.types import FrameTable

CPU = torch.device("cpu")


class _Pictures:
    """Pictures that say their number, some of them missing, some broken."""

    def __init__(self, valid: Any, broken: tuple[int, ...] = ()) -> None:
        self.valid, self.broken, self.open = np.asarray(valid, bool), broken, True

    def picture(self, index: int) -> np.ndarray:
        assert self.open and self.valid[index]
        if index in self.broken:
            raise ValueError(f"frame {index + 1}: not a picture")
        return np.full((2, 2, 3), index, np.float32)

    def close(self) -> None:
        assert self.open
        self.open = False


class _Number:
    """Gives back a picture's number and its square; notes batches, and how far pictures are ahead of the network."""

    def __init__(self, width: int = 2) -> None:
        self.width, self.sizes, self.ahead, self.furthest, self.lock = width, [], 0, 0, Lock()  # type: ignore[var-annotated]

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        with self.lock:
            self.ahead += 1
            self.furthest = max(self.furthest, self.ahead)
        return picture.transpose(2, 0, 1)

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        with self.lock:
            self.sizes.append(len(batch))
            self.ahead -= len(batch)
        number = batch.mean((1, 2, 3))
        return torch.stack([number, number**2, number][: self.width], 1)


def _run(
    extractor: Any, clips: dict[str, _Pictures | ValueError], batch: int
) -> tuple[dict[str, FrameTable], dict[str, str]]:
    """All tables, and the errors of the clips that ended in one."""

    def opened(name: str) -> _Pictures:
        found = clips[name]
        if isinstance(found, ValueError):
            raise found
        return found

    tables, errors, order = defaultdict(list), {}, []
    embedder = Embedder(extractor, 2, CPU, "float32", False)
    for name, frames, made in embed_clips(extractor, embedder, clips, opened, batch):
        assert name not in errors, "nothing comes after the error"
        order += [name] if name not in order else []
        assert order[-1] == name, "clips do not mix"
        if isinstance(made, ValueError):
            errors[name] = str(made)
            continue
        assert len(made.valid) <= FRAMES and frames == len(clips[name].valid)  # type: ignore[union-attr]
        tables[name].append(made)
    assert order == list(clips)
    assert not any(one.open for one in clips.values() if isinstance(one, _Pictures))
    joined = {
        name: FrameTable(np.concatenate([t.values for t in parts]), np.concatenate([t.valid for t in parts]))
        for name, parts in tables.items()
        if name not in errors
    }
    return joined, errors


def _expected(valid: np.ndarray) -> np.ndarray:
    numbers = np.arange(float(len(valid)))
    return np.where(valid[:, None], np.stack([numbers, numbers**2], 1), 0)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_rows_keep_their_frames_and_gaps_stay_gaps(batch: int) -> None:
    rng = np.random.default_rng(0)
    clips = {str(n): _Pictures(rng.random(n) > 0.3) for n in (200, 1, 3, 2, FRAMES + 5, 9)}
    clips["faceless"] = _Pictures(np.zeros(2 * FRAMES + 1, bool))
    clips["last"] = _Pictures(np.ones(4, bool))
    extractor = _Number()
    tables, errors = _run(extractor, dict(clips), batch)
    assert not errors
    for name, pictures in clips.items():
        np.testing.assert_array_equal(tables[name].values, _expected(pictures.valid))
        np.testing.assert_array_equal(tables[name].valid, pictures.valid)
    size = min(batch, CPU_BATCH)
    total = sum(int(pictures.valid.sum()) for pictures in clips.values())
    assert sorted(extractor.sizes, reverse=True) == [size] * (total // size) + [total % size] * (total % size > 0)
    assert extractor.furthest <= (AHEAD + torch.get_num_threads()) * size  # bounded, whatever the length


@given(data=st.data())
@settings(max_examples=60)
def test_an_error_ends_its_clip_and_no_other(data: st.DataObject) -> None:
    clips: dict[str, _Pictures | ValueError] = {}
    broken = {}
    for number in range(data.draw(st.integers(0, 6))):
        valid = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=30)))
        name, kind = f"c{number}", data.draw(st.sampled_from(["sound", "picture", "closed"]))
        clips[name] = _Pictures(valid)
        if kind == "picture" and valid.any():
            rows = data.draw(st.lists(st.sampled_from(list(np.flatnonzero(valid))), min_size=1, max_size=2))
            clips[name], broken[name] = _Pictures(valid, tuple(rows)), f"frame {min(rows) + 1}: not a picture"
        elif kind == "closed":
            clips[name], broken[name] = ValueError("not there"), "not there"
    tables, errors = _run(_Number(), clips, data.draw(st.integers(1, 9)))
    assert errors == broken
    assert tables.keys() == clips.keys() - broken.keys()
    for name, table in tables.items():
        np.testing.assert_array_equal(table.values, _expected(clips[name].valid))  # type: ignore[union-attr]


def test_a_network_that_is_not_its_spec_stops_everything_and_files_are_closed() -> None:
    clips = {"a": _Pictures(np.ones(50, bool)), "b": _Pictures(np.ones(5, bool))}
    extractor = _Number(width=3)
    with pytest.raises(ValueError, match=r"the network gives \(4, 3\), its spec says \(4, 2\)"):
        list(embed_clips(extractor, Embedder(extractor, 2, CPU, "float32", False), clips, clips.__getitem__, 4))  # type: ignore[arg-type]
    assert not clips["a"].open


def test_who_stops_listening_closes_the_files() -> None:
    clips = {"a": _Pictures(np.ones(500, bool))}
    rows = embed_clips(_Number(), Embedder(_Number(), 2, CPU, "float32", False), clips, clips.__getitem__, 4)  # type: ignore[arg-type]
    next(rows)
    rows.close()
    assert not clips["a"].open


class _Gpu:
    """An embedder that behaves as one on a GPU: what was launched is finished when it is waited for."""

    device, dimension = torch.device("cuda"), 2

    def __init__(self) -> None:
        self.flying: list[int] = []
        self.most = 0

    def empty(self, count: int, like: np.ndarray) -> torch.Tensor:
        return torch.empty((count, *like.shape))

    def launch(self, inputs: torch.Tensor) -> Any:
        number = int(inputs.flatten()[0])
        self.flying.append(number)
        self.most = max(self.most, len(self.flying))

        def wait() -> np.ndarray:
            assert self.flying.pop(0) == number, "in the order in which they were launched"
            mean = inputs.mean((1, 2, 3))
            return torch.stack([mean, mean**2], 1).numpy()

        return wait


def test_on_a_gpu_the_next_batch_is_launched_before_one_is_waited_for() -> None:
    gpu: Any = _Gpu()
    clips = {"a": _Pictures(np.ones(40, bool)), "b": _Pictures(np.zeros(3, bool)), "c": _Pictures(np.ones(9, bool))}
    extractor: Any = _Number()
    made = [table for _, _, table in embed_clips(extractor, gpu, clips, clips.__getitem__, 16)]
    values = np.concatenate([table.values for table in made if isinstance(table, FrameTable)])
    np.testing.assert_array_equal(values, np.concatenate([_expected(one.valid) for one in clips.values()]))
    assert gpu.most == IN_FLIGHT and not gpu.flying


class _Small(_Number):
    """A network that runs out of memory with more than ``most`` pictures."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def embed(self, batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return super().embed(batch)


def test_a_batch_that_does_not_fit_is_halved_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = np.ones(23, bool)
    extractor = _Small(3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # as on a GPU, one thread alone embeds
    tables, errors = _run(extractor, {"a": _Pictures(valid)}, 8)
    assert not errors and max(extractor.sizes) == 2
    np.testing.assert_array_equal(tables["a"].values, _expected(valid))
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" pictures")[0] for line in said] == ["8", "4"] and all("do not fit" in line for line in said)
    with pytest.raises(torch.OutOfMemoryError):
        _run(_Small(0), {"a": _Pictures(valid)}, 8)
