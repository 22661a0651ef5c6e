"""What a kill leaves is removed; what somebody is writing, and what is not ours, is not."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from abaw_pipeline.runtime import temporaries
from abaw_pipeline.runtime.files import atomic, discard
from abaw_pipeline.runtime.paths import Layout, doctor_table, report_page, written
from abaw_pipeline.runtime.temporaries import left_over, lives, machine, sweep, sweep_folder, temporary_beside

DAY = 24 * 3600
WRITER = """
import sys
from pathlib import Path
from abaw_pipeline.runtime.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    temporary.mkdir()
    (temporary / "half").write_text("half")
    print(temporary, flush=True)
    input()
    (temporary / "other half").write_text("whole")
print("done", flush=True)
input()
"""


def start(target: Path) -> tuple[subprocess.Popen[str], Path]:
    """A second process in the middle of writing ``target``, and its temporary."""
    command = [sys.executable, "-c", WRITER, str(target)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    return writer, Path(writer.stdout.readline().strip())


def end(writer: subprocess.Popen[str]) -> None:
    with writer:
        writer.kill()


def named(folder: Path, pid: int, where: str, age_s: float = 0.0) -> Path:
    """A temporary file of a process ``pid`` on a machine ``where``."""
    path = folder / f".tmp-{pid}@{where}~0123abcd-clip"
    path.write_text("half")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def paths(layout: Layout) -> list[Path]:
    """Every path that the layout spells, with something for each argument."""
    given = {"task": "va", "clip": "a/b", "shard": 3, "feature": "f", "experiment": "e", "fold": "fold1", "seed": 0}
    given |= {"name": "n", "ensemble": "n", "track": "va"}
    without = ("journal", "media_shards")  # lines are appended, no temporary stands for them; and a list of others
    found = [layout.home, layout.listing, layout.clips, report_page(layout.results), doctor_table(layout.results)]
    for name, method in inspect.getmembers(Layout, inspect.isfunction):
        if not name.startswith("_") and name not in without:
            found.append(method(layout, **{key: given[key] for key in list(inspect.signature(method).parameters)[1:]}))
    return found


def test_what_a_killed_writer_left_is_removed_and_the_old_folder_stays(tmp_path: Path) -> None:
    target = Layout(tmp_path, "demo").feature_store("fbank") / "clip"
    target.mkdir(parents=True)
    (target / "old").write_text("kept")
    writer, temporary = start(target)
    assert temporary.is_dir() and not list(left_over(tmp_path))
    end(writer)
    assert sweep(tmp_path) == [temporary]
    assert not temporary.exists() and [path.name for path in target.parent.iterdir()] == ["clip"]
    assert (target / "old").read_text() == "kept"


def test_a_live_writer_is_left_alone_and_finishes(tmp_path: Path) -> None:
    target = Layout(tmp_path, "demo").model("x", "official", 0)
    writer, temporary = start(target)
    try:
        os.utime(temporary, (1, 1))  # age says nothing where the writer can be asked
        assert sweep(tmp_path) == [] and temporary.is_dir()
        assert writer.stdin and writer.stdout
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "done\n"
        assert {path.name for path in target.iterdir()} == {"half", "other half"}
    finally:
        end(writer)


def test_every_place_of_the_layout_is_swept(tmp_path: Path) -> None:
    pid, places = dead_pid(), paths(Layout(tmp_path, "demo"))
    model = Layout(tmp_path, "demo").model("e", "fold1", 0)
    store = Layout(tmp_path, "demo").feature_store("f")
    places += [tmp_path / ".settings" / "0123.json", model / "model.json", store / "clip", store / "zarr.json"]
    places += [Layout(tmp_path, "demo").predictions("e", "fold1", 0) / "clip"]
    places += [Layout(tmp_path, "demo").ensemble("n") / "clip", Layout(tmp_path, "demo").curves("n") / "clip.csv"]
    assert len(places) > 20
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
    left = {named(folder, pid, machine()) for folder in {path.parent for path in places}}
    assert set(left_over(tmp_path)) == left
    assert set(sweep(tmp_path)) == left and not list(tmp_path.rglob(".tmp-*"))


@pytest.mark.parametrize("inside", ["demo/features/f.zarr/clip/values", "logs/train", "mine/deep/er"])
def test_it_does_not_descend_where_no_stage_puts_one(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / inside
    folder.mkdir(parents=True)
    left = named(folder, dead_pid(), machine())
    assert sweep(tmp_path) == [] and left.exists()
    assert folder not in {Path(entry.path).parent for entry in written(tmp_path)}


def test_writers_elsewhere_count_as_dead_after_a_day(tmp_path: Path) -> None:
    pid = dead_pid()
    fresh = named(tmp_path, pid, "othernode+00000000", DAY - 600)
    kept = tmp_path / f".tmp-{pid}@othernode+00000000~0123abce-folder"
    kept.mkdir()
    (kept / "inside").write_text("just written")
    os.utime(kept, (1, 1))
    old = named(tmp_path, os.getpid(), "third", DAY + 600)
    assert sweep_folder(tmp_path) == [old]
    assert {path.name for path in tmp_path.iterdir()} == {fresh.name, kept.name}


def test_the_age_of_others_goes_by_the_clock_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = named(tmp_path, 1, "othernode", 60)
    monkeypatch.setattr(time, "time", lambda: 4e9)  # this machine's clock is decades ahead
    assert sweep_folder(tmp_path) == [] and fresh.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = named(outside, dead_pid(), machine())
    results = tmp_path / "results"
    demo = results / "demo"
    demo.mkdir(parents=True)
    (demo / "features").symlink_to(outside)  # a link to a folder is not followed
    (demo / f".tmp-{dead_pid()}@{machine()}~0123abcd-link").symlink_to(outside)  # nor removed
    for name in (".tmp-mine", ".tmp-old", "tmp-1@x~01234567-a", ".tmp"):
        (demo / name).write_text("mine")
        os.utime(demo / name, (1, 1))
    before = sorted(demo.iterdir())
    assert sweep(results) == [] and sorted(demo.iterdir()) == before and precious.exists()


def test_temporaries_of_the_older_naming_go_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".tmp-0123abcd-clip", 2 * DAY), (".tmp-old-clip", 2 * DAY), (".tmp-0123abce-clip", 60)):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert {path.name for path in sweep_folder(tmp_path)} == {".tmp-0123abcd-clip", ".tmp-old-clip"}


def test_a_process_waiting_to_be_buried_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert lives(child.pid) and lives(os.getpid()) and lives(1)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet buried
    assert not lives(child.pid)
    with child:
        child.wait()
    assert not lives(child.pid)


def test_another_container_of_the_same_host_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    own = machine()
    real = Path.stat
    numbering = Path("/proc/self/ns/pid")
    monkeypatch.setattr(Path, "stat", lambda self, **k: real(Path("/") if self == numbering else self, **k))
    temporaries.machine.cache_clear()
    try:
        other = machine()
    finally:
        temporaries.machine.cache_clear()
    assert other != own and other.split("+")[0] == own.split("+")[0]


def test_names_fit_any_file_system_and_are_told_apart(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 120 + ".json")
    assert len(os.fsencode(temporary_beside(target).name)) <= 255
    assert temporary_beside(target) != temporary_beside(target)
    with atomic(target) as temporary:
        temporary.write_text("{}")
    assert target.read_text() == "{}"


def test_only_what_was_to_become_one_name_is_swept_on_request(tmp_path: Path) -> None:
    pid = dead_pid()
    (tmp_path / f".tmp-{pid}@{machine()}~0123abcd-demo").mkdir()
    (tmp_path / f".tmp-{pid}@{machine()}~0123abcd-other").mkdir()
    assert [path.name[-4:] for path in sweep_folder(tmp_path, "demo")] == ["demo"]
    assert sweep_folder(tmp_path / "missing") == []


def test_a_discarded_folder_is_gone_under_its_name_even_when_removal_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip").mkdir()

    def stopped(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        discard(tmp_path / "clip")
    (left,) = tmp_path.iterdir()
    assert left.name.endswith("-clip") and left.name.startswith(f".tmp-{os.getpid()}@")
