"""A full or read-only disk is one error with one line, whichever library meets it, and no fault of a clip."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import zarr
from safetensors.torch import save_file

from abaw_pipeline.runtime.files import atomic, write_json
from abaw_pipeline.runtime.hdf5 import Hdf5Writer
from abaw_pipeline.runtime.storage import EXIT_CODE, CannotWrite, fault_of, require_room, room_for
from tests.small_disk import Disk, mounted

NOISE = np.random.default_rng(0).random((300_000, 1))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", 16) as small:
        yield small


def _hdf5(path: Path) -> None:
    with Hdf5Writer(path) as file:
        data = file.create_dataset("values", (0, 1), "f8", maxshape=(None, 1), chunks=(4096, 1))
        for part in np.array_split(NOISE, 20):
            start = len(data)
            data.resize(start + len(part), axis=0)
            data[start:] = part
        file.attrs["key"] = "k"


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as stream:
        np.lib.format.write_array(stream, NOISE)


def _zarr(path: Path) -> None:
    zarr.create_group(path, attributes={"key": "k"}).create_array("values", data=NOISE, chunks=(10_000, 1))


WRITERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("x" * 2_000_000),
    "hdf5": _hdf5,
    "zip": _zip,
    "zarr": _zarr,
    "safetensors": lambda path: save_file({"a": torch.from_numpy(NOISE)}, path),
}


@pytest.mark.parametrize("free", [0, 1 << 20])
@pytest.mark.parametrize("kind", WRITERS)
def test_every_library_on_a_full_disk(disk: Disk, kind: str, free: int) -> None:
    target = disk.path / "results" / "thing"
    write_json(target.with_name("finished.json"), {})
    with disk.full(but=free), pytest.raises(CannotWrite) as caught, atomic(target) as temporary:
        WRITERS[kind](temporary)
    assert str(caught.value).startswith(f"{target}: could not be written: No space left on device (")
    assert f"B free on {disk.path}); make space there and run again" in str(caught.value)
    assert [path.name for path in target.parent.iterdir()] == ["finished.json"]
    with atomic(target) as temporary:  # and with space it goes on
        WRITERS[kind](temporary)
    assert target.exists()
    gc.collect()


@pytest.mark.parametrize("kind", WRITERS)
def test_every_library_on_a_read_only_disk(disk: Disk, kind: str) -> None:
    refused = pytest.raises(CannotWrite, match="Read-only file system")
    with disk.read_only(), refused as caught, atomic(disk.path / "thing") as temporary:
        WRITERS[kind](temporary)
    assert "mount it for writing, or name another folder" in str(caught.value)


def test_a_write_that_fails_in_hdf5_does_not_bring_the_process_down(disk: Disk) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.test_storage import _hdf5\n"
        "try: _hdf5(Path(sys.argv[1]))\n"
        "except OSError as error: print(error.errno)"
    )
    with disk.full(but=1 << 20):
        done = subprocess.run([sys.executable, "-c", code, str(disk.path / "x.h5")], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(errno.ENOSPC)), done.stderr


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    _hdf5(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r") as file:
        np.testing.assert_array_equal(file["values"][:], NOISE)
        assert dict(file.attrs) == {"key": "k"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT),
        (RuntimeError("Can't decrement id ref count (file write failed, errno = 28, error message"), errno.ENOSPC),
        (ValueError("Error while serializing: I/O error: No space left on device (os error 28)"), errno.ENOSPC),
        (PermissionError(errno.EACCES, "Permission denied", "here/x"), errno.EACCES),
        (PermissionError(errno.EACCES, "Permission denied", "/data/recording.mp4"), None),
        (FileNotFoundError(errno.ENOENT, "No such file", "here/x"), None),
        (OSError("no number"), None),
        (ValueError("28 frames"), None),
    ],
)
def test_which_errors_say_that_a_disk_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int | None
) -> None:
    monkeypatch.chdir(tmp_path)
    fault = fault_of(error, Path("here/thing"))
    assert (fault and fault.code) == code
    try:
        raise KeyError from error  # met on the way to another error
    except KeyError as later:
        again = fault_of(later, Path("here/thing"))
    assert (again and again.code) == code


def test_an_error_of_a_part_names_the_whole_and_others_pass(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite) as caught, atomic(tmp_path / "model") as folder:
        folder.mkdir()
        with atomic(folder / "card.json"):
            raise OSError(errno.ENOSPC, "full")
    assert caught.value.path == tmp_path / "model" and not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="a bad clip"), atomic(tmp_path / "model"):
        raise ValueError("a bad clip")
    assert not isinstance(caught.value, ValueError | OSError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_without_a_disk_of_its_own_a_full_device_does(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No space left on device"), atomic(tmp_path / "x") as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_text("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("words", "full", "code", "said"),
    [
        (["schema"], "stdout", EXIT_CODE, "abaw: /dev/full: could not be written: No space left on device"),
        (["schema"], "both", EXIT_CODE, ""),
        (["trian"], "both", 2, ""),
    ],
)
def test_a_log_on_a_full_disk_is_no_traceback(words: list[str], full: str, code: int, said: str) -> None:
    with Path("/dev/full").open("w") as device:
        errors = device if full == "both" else subprocess.PIPE
        command = [sys.executable, "-m", "abaw_pipeline", *words]
        done = subprocess.run(command, stdout=device, stderr=errors, text=True)
    assert done.returncode == code and (done.stderr or "").startswith(said)
    assert len((done.stderr or "").splitlines()) == (1 if said else 0)


def test_room_is_kept_while_the_block_runs(disk: Disk) -> None:
    target, size = disk.path / "models" / "official-0", 3 << 20
    before = os.statvfs(disk.path).f_bavail
    with room_for(target, size):
        taken = (before - os.statvfs(disk.path).f_bavail) * os.statvfs(disk.path).f_frsize
        assert size <= taken < size + (1 << 16)
    with disk.full(but=2 << 20):
        require_room(disk.path)
        with pytest.raises(CannotWrite), room_for(target, size):
            pytest.fail("there was no room")
    assert not list(target.parent.iterdir())
