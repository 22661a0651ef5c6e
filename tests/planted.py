"""Faults to plant in the folder of ``doctor_folder.py``, and what the doctor must say of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from abaw_pipeline.tasks import TASKS
from tests.affwild2_folder import put
from tests.doctor_folder import FRAMES, write_recording, write_sample

VA, EXPR, AU = (TASKS[task].folders[0] + "/Train_Set" for task in ("va", "expr", "au"))


@dataclass(frozen=True)
class Fault:
    """A fault: ``plant`` puts it into a folder; rank, kind, the end of where it is, and part of what is said of it."""

    plant: Callable[[Path], None]
    rank: str
    kind: str
    where: str
    what: str


FAULTS: dict[str, Fault] = {}


def found_as(rank: str, kind: str, where: str, what: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def kept(plant: Callable[[Path], None]) -> Callable[[Path], None]:
        FAULTS[plant.__name__] = Fault(plant, rank, kind, where, what)
        return plant

    return kept


def edit(file: Path, line: int, text: str) -> None:
    """Put ``text`` in the place of a line, counted from 1."""
    lines = file.read_text().split("\n")
    lines[line - 1] = text
    file.write_text("\n".join(lines))


def labels(root: Path, folder: str = VA, clip: str = "4_left") -> Path:
    return root / folder / f"{clip}.txt"


def crops(root: Path, clip: str = "4_left") -> Path:
    return root / "cropped_aligned" / clip


@found_as("note", "label rows", f"{VA}/4_left.txt: line 32", "31 label rows of va for 30")
def one_row_too_many(root: Path) -> None:
    file = labels(root)
    file.write_text(file.read_text() + "0.1,0.1\n")


@found_as("note", "label rows", f"{VA}/4_left.txt: line 30", "29 label rows of va for 30")
def one_row_too_few(root: Path) -> None:
    lines = labels(root).read_text().splitlines()
    put(labels(root), "\n".join(lines[:-1]) + "\n")


@found_as("error", "label rows", f"{VA}/4_left.txt: line 32", "40 label rows of va for 30")
def ten_rows_too_many(root: Path) -> None:
    file = labels(root)
    file.write_text(file.read_text() + "0.1,0.1\n" * 10)


@found_as("error", "left out", "3", "neither a recording '3'")
def a_missing_recording(root: Path) -> None:
    (root / "batch2" / "3.mp4").unlink()


@found_as("error", "sample rows", "sample.txt: line 2", "30 rows of a clip that is left out")
def rows_of_a_clip_that_is_not_there(root: Path) -> None:
    a_missing_recording(root)


@found_as("error", "swapped sides", "cropped_aligned/4_left", "its crops show the face on the right")
def swapped_left_and_right(root: Path) -> None:
    crops(root).rename(root / "x")
    crops(root, "4_right").rename(crops(root))
    (root / "x").rename(crops(root, "4_right"))


@found_as("warning", "half a label", f"{VA}/4_left.txt: line 9", "1 row has -5 in some values of va")
def minus_5_in_one_value(root: Path) -> None:
    edit(labels(root), 9, "-5,0.3")


@found_as("error", "left out", f"{EXPR}/4_left.txt: line 9", "'8' is not")
def an_expression_of_8(root: Path) -> None:
    edit(labels(root, EXPR), 9, "8")


@found_as("error", "left out", f"{AU}/4_left.txt: line 9", "'2,0,0")
def an_action_unit_of_2(root: Path) -> None:
    edit(labels(root, AU), 9, "2" + ",0" * 11)


@found_as("error", "data set", "datasets.aw", "4_left (va: train, val)")
def a_clip_in_two_splits(root: Path) -> None:
    shutil.copy(labels(root), root / VA.replace("Train", "Validation") / "4_left.txt")


@found_as("warning", "splits", "4_left", "train: 4_left; val: 4_right")
def two_people_of_one_recording_in_two_splits(root: Path) -> None:
    shutil.move(labels(root, clip="4_right"), root / VA.replace("Train", "Validation"))


@found_as("error", "left out", f"{VA}/4_left.txt: line 1", "expected the header")
def an_empty_label_file(root: Path) -> None:
    put(labels(root), "")


@found_as("error", "left out", f"{VA}/4_left.txt: line 2", "no rows after the header")
def a_header_alone(root: Path) -> None:
    put(labels(root), "valence,arousal\n")


@found_as("note", "byte-order mark", f"{VA}/4_left.txt: line 1", "byte-order mark")
def a_byte_order_mark(root: Path) -> None:
    put(labels(root), b"\xef\xbb\xbf" + labels(root).read_bytes())


@found_as("note", "line ends", f"{VA}/4_left.txt: line 1", "Windows line ends")
def windows_line_ends(root: Path) -> None:
    put(labels(root), labels(root).read_bytes().replace(b"\n", b"\r\n"))


@found_as("warning", "crop gap", "cropped_aligned/1-30-96x96", "no crop from frame 51 on for 500 frames")
def five_hundred_frames_without_a_face(root: Path) -> None:
    for number in range(51, 551):
        (crops(root, "1-30-96x96") / f"{number:05d}.jpg").unlink()


@found_as("note", "label gap", "1-30-96x96.txt: line 52", "for 500 frames from frame 51 on")
def five_hundred_frames_without_a_label(root: Path) -> None:
    file = labels(root, clip="1-30-96x96")
    lines = file.read_text().splitlines()
    put(file, "\n".join([*lines[:51], *["-5,-5"] * 500, *lines[551:]]) + "\n")


@found_as("warning", "sound length", "batch2/3.mp4", "s after the last picture")
def sound_that_is_too_long(root: Path) -> None:
    write_recording(root / "batch2" / "3.mp4", FRAMES, seconds=3.0)


@found_as("warning", "sound length", "batch2/3.mp4", "s before the last picture")
def sound_that_is_too_short(root: Path) -> None:
    write_recording(root / "batch2" / "3.mp4", FRAMES, seconds=0.2)


@found_as("note", "sound offset", "batch2/3.mp4", "begins 0.")
def late_sound(root: Path) -> None:
    write_recording(root / "batch2" / "3.mp4", FRAMES, seconds=0.6, start=0.4)


@found_as("error", "left out", "4_left", "2 recordings of one name")
def two_recordings_of_one_name(root: Path) -> None:
    shutil.copy(root / "batch2" / "4.mp4", root / "batch1" / "4.mp4")


@found_as("error", "crops", "cropped_aligned/4_left", "crops reach number 40")
def a_crop_far_past_the_end(root: Path) -> None:
    shutil.copy(crops(root) / "00001.jpg", crops(root) / f"{FRAMES + 10:05d}.jpg")


@found_as("note", "crops", "cropped_aligned/4_left", "1 crop past the last of 30")
def a_crop_just_past_the_end(root: Path) -> None:
    shutil.copy(crops(root) / "00001.jpg", crops(root) / f"{FRAMES + 2:05d}.jpg")


@found_as("error", "left out", "4_left", "face.jpg is no crop")
def a_crop_without_a_number(root: Path) -> None:
    put(crops(root) / "face.jpg")


@found_as("error", "left out", "3", "the recording is truncated")
def a_truncated_recording(root: Path) -> None:
    file = root / "batch2" / "3.mp4"
    file.write_bytes(file.read_bytes()[:-200])


@found_as("warning", "rate", "2-30-96x96.mp4", "its name says 30 Hz, its pictures come at 25 Hz")
def a_rate_that_the_name_denies(root: Path) -> None:
    write_recording(root / "batch1" / "2-30-96x96.mp4", FRAMES, rate=25)


@found_as("warning", "pause", "batch2/3.mp4", "no picture for 4.03 s after frame 15")
def a_recording_that_stands_still(root: Path) -> None:
    write_recording(root / "batch2" / "3.mp4", FRAMES, seconds=5.0, pause=4.0)


@found_as("error", "sample rows", "sample.txt: line 37", "asks for frame 36, the clip has 30")
def a_sample_far_past_the_end(root: Path) -> None:
    write_sample(root, FRAMES + 6)


@found_as("note", "sample rows", "sample.txt: line 32", "asks for frame 31, the clip has 30")
def a_sample_just_past_the_end(root: Path) -> None:
    write_sample(root, FRAMES + 1)


@found_as("warning", "sample rows", "sample.txt: line 8", "frame 7 stands 2 times")
def a_sample_row_twice(root: Path) -> None:
    file = root / "sample.txt"
    file.write_text(file.read_text() + "3/00007.jpg,0,0\n")


@found_as("error", "data set", "sample.txt: line 1", "expected the header")
def a_sample_of_another_track(root: Path) -> None:
    edit(root / "sample.txt", 1, "image_location,Neutral")


@found_as("warning", "no labels", f"{VA}/4_left.txt: line 2", "no row of va is annotated")
def no_annotated_row(root: Path) -> None:
    put(labels(root), "valence,arousal\n" + "-5,-5\n" * FRAMES)


@found_as("warning", "constant labels", f"{VA}/4_left.txt: line 2", "all 30 annotated rows of va are the same")
def one_value_throughout(root: Path) -> None:
    put(labels(root), "valence,arousal\n" + "0.5,0.5\n" * FRAMES)


@found_as("warning", "people", "4", "shares recording '4' with 4_left, 4_right")
def a_third_person(root: Path) -> None:
    shutil.copytree(crops(root), crops(root, "4"))
