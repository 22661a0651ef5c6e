"""The clip index and the listing: what changes them, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from abaw_pipeline.datasets.index import listing_digest, read_clips, read_labels, read_sample
from abaw_pipeline.runtime.paths import Layout
from abaw_pipeline.tasks import TASKS
from tests.affwild2_folder import annotate, index, put, settings


def files(layout: Layout) -> dict[str, bytes]:
    paths = (path for path in layout.home.rglob("*") if path.is_file() and path.name != "digests.json")
    return {str(path.relative_to(layout.home)): path.read_bytes() for path in paths}


def test_equal_data_gives_equal_bytes_and_a_touch_changes_nothing(root: Path) -> None:
    annotate(root, "file")  # a name that numpy.savez would trip over
    put(root / "batch1" / "file.mp4")
    _, layout = index(root)
    before, listing = files(layout), listing_digest(settings(root))
    crop = root / "cropped_aligned" / "139-14-720x480" / "00001.jpg"
    for path in (root / "batch1" / "314.mp4", crop):
        os.utime(path, ns=(1, 1))
    index(root)
    assert files(layout) == before and listing_digest(settings(root)) != listing
    (layout.home / "digests.json").unlink()
    index(root)
    assert files(layout) == before


def test_a_remembered_digest_spares_the_reading(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, layout = index(root)
    before = files(layout)
    monkeypatch.setattr("abaw_pipeline.datasets.contents.file_digest", lambda path: pytest.fail(f"read {path} again"))
    index(root)
    assert files(layout) == before


@pytest.mark.parametrize("path", ["batch1/314.mp4", "cropped_aligned/139-14-720x480/00001.jpg"])
def test_changed_content_changes_the_digest_of_its_clip_only(root: Path, path: str) -> None:
    before = {clip.id: clip.digest for clip in read_clips(index(root)[1])}
    put(root / path, b"a retake")
    after = {clip.id: clip.digest for clip in read_clips(index(root)[1])}
    assert [clip for clip in before if before[clip] != after[clip]] == [
        "314" if path.startswith("batch") else "139-14-720x480"
    ]


def test_a_renamed_crop_changes_the_digest(root: Path) -> None:
    before = {clip.id: clip.digest for clip in read_clips(index(root)[1])}
    folder = root / "cropped_aligned" / "139-14-720x480"
    (folder / "00001.jpg").rename(folder / "00002.jpg")
    after = {clip.id: clip.digest for clip in read_clips(index(root)[1])}
    assert before["139-14-720x480"] != after["139-14-720x480"]


def test_a_task_that_is_dropped_leaves_no_labels(root: Path) -> None:
    annotate(root, "314", TASKS["expr"].header + "\n3\n", folder=TASKS["expr"].folders[0])
    _, layout = index(root, tasks=["va", "expr"])
    assert layout.labels("expr").exists()
    index(root)
    with pytest.raises(ValueError, match=r"no labels; add 'expr' to datasets\.aw\.tasks"):
        read_labels(layout, "expr")
    with pytest.raises(ValueError, match=r"set datasets\.aw\.samples\.expr"):
        read_sample(layout, "expr")


def test_the_listing_notices_what_comes_and_goes(root: Path) -> None:
    digests = [listing_digest(settings(root))]
    assert listing_digest(settings(root)) == digests[0]
    for path in (
        "batch1/new.mp4",
        "cropped_aligned/139-14-720x480/00009.jpg",
        "VA_Estimation_Challenge/Train_Set/new.txt",
        "sample.txt",
    ):
        put(root / path, "new content")
        digests.append(listing_digest(settings(root)))
    assert len(set(digests)) == len(digests)
    assert listing_digest(settings(root / "missing")) == ""
