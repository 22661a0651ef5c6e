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
