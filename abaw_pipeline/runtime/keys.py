"""Keys: what made an artefact, as one sha256.

A key is a digest over declared data (settings, digests of weights, code and inputs), never over live objects.
Equal key: the work is skipped. Different key: it is done again.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

PACKAGE = Path(__file__).resolve().parents[1]

# What never decides a value: schema, registries, command line, and how a run is watched and stored.
_UNCOUNTED = ("strict", "config", "cli", "runtime", "registry", "settings", "types", "manifests")


def digest(value: Any) -> str:
    """sha256 of JSON-like data; the order of mapping keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def settings_digest(settings: BaseModel) -> str:
    """Digest of a settings model by the values that differ from their defaults.

    A field added later with a default therefore changes no key. Changing a default must be accompanied by a new
    ``version`` of the stage (``tests/test_defaults.py`` holds the two together).
    """
    return digest(settings.model_dump(mode="json", exclude_defaults=True))


def array_digest(*arrays: np.ndarray) -> str:
    """sha256 over dtype, shape and bytes of arrays: the content key of an artefact."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def code_digest(*modules: str) -> str:
    """Digest of the code that decides a stage's values.

    Covers the given modules of the package (``"media.faces"``) and every module of the package that they import,
    without schema, registry, command line and runtime. Comments, formatting, docstrings and settings classes
    do not count. Reads source text only: nothing is imported.
    """
    seen: dict[str, str] = {}
    queue = list(modules)
    while queue:
        module = queue.pop()
        if module in seen or _uncounted(module):
            continue
        tree = _bare(ast.parse(_source(module).read_text(encoding="utf-8")))
        seen[module] = ast.dump(tree)
        queue.extend(_imports(tree, module))
    return digest(seen)


def _uncounted(module: str) -> bool:
    return any(part in _UNCOUNTED for part in module.split("."))


def _source(module: str) -> Path:
    base = PACKAGE.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"no source for module {module}")


def _imports(tree: ast.AST, module: str) -> Iterable[str]:
    """Modules of the package that a module imports (absolute imports; the package uses no relative ones)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("abaw_pipeline"):
            base = (node.module or "").removeprefix("abaw_pipeline").lstrip(".")
            for alias in node.names:
                child = f"{base}.{alias.name}".lstrip(".")
                yield child if _is_module(child) else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("abaw_pipeline."):
                    yield alias.name.removeprefix("abaw_pipeline.")


def _is_module(module: str) -> bool:
    base = PACKAGE.joinpath(*module.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


class _Bare(ast.NodeTransformer):
    """Takes out docstrings and settings classes (subclasses of ``Strict``)."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST | None:
        if any(isinstance(base, ast.Name) and base.id in ("Strict", "ExtractorSettings") for base in node.bases):
            return None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return node


def _bare(tree: ast.Module) -> ast.Module:
    return _Bare().visit(tree)
