"""Keys: the same data gives the same key, what decides a value changes it, what does not leaves it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from abaw_pipeline.runtime import code, keys
from abaw_pipeline.strict import Strict


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A made-up package in place of ours, so that its sources can be edited."""
    root = tmp_path / "abaw_pipeline"
    (root / "media").mkdir(parents=True)
    (root / "media" / "__init__.py").write_text("")
    (root / "media" / "cut.py").write_text(
        '"""Docs."""\nfrom abaw_pipeline.media.help import half\n\ndef cut(x):\n    """Cut."""\n    return half(x)\n'
    )
    (root / "media" / "help.py").write_text("def half(x):\n    return x / 2\n")
    monkeypatch.setattr(code, "PACKAGE", root)
    yield root
    code._module.cache_clear()


def _digest():
    code._module.cache_clear()
    return code.code_digest("media.cut")


def test_comments_docstrings_and_formatting_do_not_count(package):
    before = _digest()
    source = (package / "media" / "cut.py").read_text()
    (package / "media" / "cut.py").write_text(
        "# a comment\n" + source.replace('"""Cut."""', '"""Other words."""').replace("half(x)\n", "half( x )  # why\n")
    )
    assert _digest() == before


def test_code_counts_also_in_an_imported_module(package):
    before = _digest()
    (package / "media" / "help.py").write_text("def half(x):\n    return x / 3\n")
    assert _digest() != before


def test_settings_classes_do_not_count(package):
    path = package / "media" / "help.py"
    path.write_text("class S(Strict):\n    a: int = 1\n\ndef half(x):\n    return x / 2\n")
    before = _digest()
    path.write_text("class S(Strict):\n    a: int = 1\n    b: int = 2\n\ndef half(x):\n    return x / 2\n")
    assert _digest() == before


def test_code_digest_is_the_same_in_another_process():
    program = "from abaw_pipeline.runtime.code import code_digest; print(code_digest('media.clock', 'metrics'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert printed == code.code_digest("media.clock", "metrics")


def test_code_digest_does_not_depend_on_where_the_package_lies(package, tmp_path, monkeypatch):
    before = _digest()
    shutil.copytree(package, tmp_path / "elsewhere" / "abaw_pipeline")
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "elsewhere" / "abaw_pipeline")
    assert _digest() == before


def test_mapping_order_does_not_count():
    assert keys.digest({"a": 1, "b": [1, 2]}) == keys.digest({"b": [1, 2], "a": 1})
    assert keys.digest({"a": 1}) != keys.digest({"a": 2})


def test_a_new_field_with_a_default_changes_no_key():
    class Before(Strict):
        bins: int = 80

    class After(Strict):
        bins: int = 80
        floor: float = 0.0

    assert keys.settings_digest(Before(bins=40)) == keys.settings_digest(After(bins=40))
    assert keys.settings_digest(Before(bins=40)) != keys.settings_digest(Before(bins=41))


def test_array_digest_sees_values_type_and_shape():
    zeros = np.zeros((2, 3), np.float32)
    others = (zeros.reshape(3, 2), zeros.astype(np.float64), zeros + 1)
    assert len({keys.array_digest(a) for a in (zeros, *others)}) == 4
    assert keys.array_digest(np.asfortranarray(zeros)) == keys.array_digest(zeros)


def test_file_digest_is_sha256(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert keys.file_digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_imports_for_type_checkers_and_versions_of_the_package_do_not_count(package):
    path = package / "media" / "help.py"
    before = _digest()
    lines = "from typing import TYPE_CHECKING\n"
    path.write_text(lines + path.read_text())
    with_import = _digest()
    path.write_text(path.read_text().replace(lines, lines + "if TYPE_CHECKING:\n    import torch\n"))
    assert before != with_import == _digest()
    assert code.libraries("media.cut") == {}
    (package / "__init__.py").write_text("__version__ = '1'\n")
    path.write_text(path.read_text() + "from abaw_pipeline import __version__\n")
    named = _digest()
    (package / "__init__.py").write_text("__version__ = '2'\n")
    assert _digest() == named


def test_libraries_are_those_that_the_code_imports_under_the_names_they_are_installed_by(package):
    path = package / "media" / "help.py"
    path.write_text("import numpy as np\nimport cv2, json, h5py\nfrom PIL import Image\nimport nowhere\n")
    code._module.cache_clear()
    assert code.libraries("media.cut").keys() == {"numpy", "opencv-python-headless", "pillow", "nowhere"}
    assert code.libraries("media.cut")["nowhere"] == "not installed"
    assert code.library_text("media.cut").startswith("nowhere not installed, numpy ")


def test_versions_count_only_where_they_should(package, monkeypatch):
    (package / "media" / "help.py").write_text("import numpy\n")
    before = _digest()
    code.use_policy({}, libraries_count=True)
    try:
        counted = _digest()
        monkeypatch.setattr(code, "_version", lambda library: "999")
        other = _digest()
        code.use_policy({}, libraries_count=False)
        assert len({before, counted, other}) == 3 and _digest() == before
    finally:
        code.use_policy({}, libraries_count=False)


def test_an_adopted_change_counts_as_what_it_was(package):
    before = _digest()
    (package / "media" / "help.py").write_text("def half(x):\n    return x * 0.5\n")
    after = _digest()
    code.use_policy({after: before}, libraries_count=False)
    try:
        assert _digest() == before != code.own_digest("media.cut") == after
        (package / "media" / "help.py").write_text("def half(x):\n    return x * 0.6\n")
        assert _digest() not in (before, after)
    finally:
        code.use_policy({}, libraries_count=False)
