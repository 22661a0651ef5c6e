"""Lists of labelled pictures as their makers write them.

RAF-DB: Li et al., 2017, doi:10.1109/CVPR.2017.277. AffectNet: Mollahosseini et al., 2019, arXiv:1708.03985. FER+:
Barsoum et al., 2016, arXiv:1608.01041.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from abaw_pipeline.datasets.base import need_folder
from abaw_pipeline.datasets.image_rows import Places, Row, records
from abaw_pipeline.runtime.text import text_lines
from abaw_pipeline.types import SPLITS, Split


@dataclass(frozen=True)
class ImageLayout:
    """One layout.

    Attributes:
        tasks: what it has labels of; empty: what the settings say.
        classes: what it calls our classes; ``None``: a class that we do not have.
        watched: files, and folders whose direct entries count, by which a change of it is noticed.
    """

    read: Callable[[Places], Iterator[Row]]
    tasks: tuple[str, ...] = ()
    classes: Mapping[str, str | None] = field(default_factory=dict)
    watched: tuple[str, ...] = ()


_RAF = ("EmoLabel/list_patition_label.txt", "Image/aligned")  # the makers' spelling


def _rafdb(task: str) -> Callable[[Places], Iterator[Row]]:
    """Lines such as ``train_00001.jpg 5``; the aligned picture is ``train_00001_aligned.jpg``.

    What RAF-DB calls its test pictures has labels and is what everybody validates on: it is the split ``val``.
    """

    def read(places: Places) -> Iterator[Row]:
        path, folder = places.file(_RAF[0]), places.folder(_RAF[1])
        ending = "_aligned" if folder.name == "aligned" else ""
        for line, text in enumerate(text_lines(path), 1):
            name, _, label = text.strip().partition(" ")
            picture = folder / f"{Path(name).stem}{ending}{Path(name).suffix}"
            split = "train" if name.startswith("train") else "val"
            yield Row(picture, f"{path}: line {line}", split, {task: label.strip()})

    return read


_AFFECT_SETS: dict[str, tuple[str, Split]] = {
    "training.csv": ("train_set", "train"),
    "validation.csv": ("val_set", "val"),
}
_AFFECT_COLUMNS = (
    "subDirectory_filePath",
    *("face_x", "face_y", "face_width", "face_height", "facial_landmarks"),
    *("expression", "valence", "arousal"),
)


def _affectnet(places: Places) -> Iterator[Row]:
    """The first release: ``training.csv`` and ``validation.csv``, perhaps without header. Or the later one: an array a
    label, ``train_set/annotations/12_exp.npy`` for ``train_set/images/12.jpg``."""
    for file, (folder, split) in _AFFECT_SETS.items():
        if (places.root / folder).is_dir():
            yield from _affectnet_arrays(places.root / folder, split, places.where)
            continue
        path, images = places.file(file), places.folder("Manually_Annotated_Images")
        for line, cells in records(path, _AFFECT_COLUMNS, _AFFECT_COLUMNS):
            name, *values = (cells[column] for column in (_AFFECT_COLUMNS[0], *_AFFECT_COLUMNS[-3:]))
            yield Row(images / name, f"{path}: line {line}", split, _affect(*values))


def _affectnet_arrays(folder: Path, split: Split, where: str) -> Iterator[Row]:
    for path in sorted(need_folder(folder / "annotations", f"{where}.root").glob("[!.]*_exp.npy")):
        name = path.name.removesuffix("_exp.npy")
        values = [_scalar(path.with_name(f"{name}_{part}.npy")) for part in ("exp", "val", "aro")]
        fault = "one of its label arrays is missing or damaged" if "" in values else ""
        yield Row(folder / "images" / f"{name}.jpg", str(path), split, _affect(*values), fault=fault)


def _affect(expression: str, valence: str, arousal: str) -> dict[str, str]:
    """Cells; -2 says that there was no face, or that nobody was certain."""
    found = {"expr": expression, "valence": valence, "arousal": arousal}
    return {name: "" if text in ("-2", "-2.0") else text for name, text in found.items()}


def _scalar(path: Path) -> str:
    """The one value of an array file, as text; empty where there is none."""
    try:
        return str(np.load(path, allow_pickle=False).item()).strip()
    except (OSError, ValueError, EOFError):
        return ""


_USAGES: dict[str, tuple[str, Split]] = {
    "Training": ("FER2013Train", "train"),
    "PublicTest": ("FER2013Valid", "val"),
    "PrivateTest": ("FER2013Test", "test"),
}
_FERPLUS: dict[str, str | None] = {
    **{"neutral": "Neutral", "happiness": "Happiness", "surprise": "Surprise", "sadness": "Sadness"},
    **{"anger": "Anger", "disgust": "Disgust", "fear": "Fear", "contempt": None, "unknown": None, "NF": None},
}


def _ferplus(places: Places) -> Iterator[Row]:
    """Ten people's votes a picture. Rows without the name of a picture are those that the makers took out."""
    path, folder = places.file("fer2013new.csv"), places.folder(".")
    for line, cells in records(path, ("Usage", "Image name", *_FERPLUS)):
        place, split = _USAGES.get(cells["Usage"], (None, ""))
        if place is None:
            raise ValueError(f"{path}: line {line}: Usage '{cells['Usage']}' is none of {', '.join(_USAGES)}")
        if name := cells["Image name"]:
            votes = {vote: int(cells[vote]) if cells[vote].isdigit() else 0 for vote in _FERPLUS}
            yield Row(folder / place / name, f"{path}: line {line}", split, {"expr": majority(votes)})


def majority(votes: Mapping[str, int]) -> str:
    """What more than half of the votes say, empty where nothing has so many; a single vote for something is a slip and
    does not count."""
    counted = {name: count for name, count in votes.items() if count > 1}
    best = max(counted, key=counted.__getitem__, default="")
    return best if best and 2 * counted[best] > sum(counted.values()) else ""


def _own(places: Places) -> Iterator[Row]:
    """A CSV of the user's own: ``path``, columns of labels, perhaps ``split`` and ``group``."""
    path, folder = places.file(""), places.folder(".")
    named = {name: places.columns.get(name, name) for name in ("path", "split", "group", *places.labels)}
    optional = {"split", "group"} - places.columns.keys()
    for line, cells in records(path, [column for name, column in named.items() if name not in optional]):
        split = cells.get(named["split"]) or places.split
        if split not in SPLITS:
            raise ValueError(f"{path}: line {line}: split '{split}' is none of {', '.join(SPLITS)}")
        labels = {name: cells[named[name]] for name in places.labels}
        yield Row(folder / cells[named["path"]], f"{path}: line {line}", split, labels, cells.get(named["group"], ""))


IMAGE_LAYOUTS: dict[str, ImageLayout] = {
    "rafdb": ImageLayout(
        _rafdb("expr"),
        ("expr",),
        dict(zip("1234567", ("Surprise", "Fear", "Disgust", "Happiness", "Sadness", "Anger", "Neutral"), strict=True)),
        _RAF,
    ),
    "rafdb_compound": ImageLayout(
        _rafdb("ce"),
        ("ce",),
        {
            **{"1": "Happily_Surprised", "3": "Sadly_Fearful", "4": "Sadly_Angry", "5": "Sadly_Surprised"},
            **{"8": "Fearfully_Surprised", "9": "Angrily_Surprised", "11": "Disgustedly_Surprised"},
            **{"2": None, "6": None, "7": None, "10": None},  # happily, sadly, angrily disgusted; fearfully angry
        },
        _RAF,
    ),
    "affectnet": ImageLayout(
        _affectnet,
        ("expr", "va"),
        {
            **dict(
                zip("0123456", ("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger"), strict=True)
            ),
            **{"7": None, "8": None, "9": None, "10": None},  # contempt, none of these, uncertain, no face
        },
        (*_AFFECT_SETS, "train_set", "val_set", "Manually_Annotated_Images"),
    ),
    "ferplus": ImageLayout(
        _ferplus, ("expr",), _FERPLUS, ("fer2013new.csv", *(folder for folder, _ in _USAGES.values()))
    ),
    "list": ImageLayout(_own, watched=(".",)),
}
