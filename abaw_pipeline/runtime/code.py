"""The code that decides a stage's values, as a digest: what a change of the program makes stale.

Covers the modules of the package that a stage names and every module of the package that they import, without schema,
registries, command line and runtime. Comments, formatting, docstrings, settings classes and imports for type checkers
do not count. Source text is read, nothing is imported. An extractor of another package names its own modules
(``abaw_toy.extractor``): of these, and of what they import from that package and from ours, every one counts.

Versions of libraries do not count unless the settings say ``libraries: rerun``; artefacts note them all the same.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from abaw_pipeline.runtime.keys import digest

PACKAGE = Path(__file__).resolve().parents[1]

# What never decides a value: schema, registries, command line, and how a run is watched and stored.
_UNCOUNTED = ("strict", "config", "cli", "runtime", "registry", "published", "settings", "types", "manifests")
# Libraries that fetch, check, store and show values but never change them.
_NEUTRAL = {"abaw_pipeline", "click", "h5py", "huggingface_hub", "pydantic", "safetensors", "tqdm", "zarr"}
# Where a library is installed under another name than it is imported by.
_INSTALLED_AS = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image", "sklearn": "scikit-learn"}


@dataclass
class _Policy:
    """What this process takes for equal code: set once, when the settings are read."""

    adopted: Mapping[str, str] = field(default_factory=dict)
    libraries_count: bool = False


_policy = _Policy()


def use_policy(adopted: Mapping[str, str], libraries_count: bool) -> None:
    """Say for this process which digests stand for an earlier one, and whether versions of libraries count.

    Args:
        adopted: digest of code as it is now, to the digest of the code that it was proved equal to (``abaw adopt``).
    """
    _policy.adopted, _policy.libraries_count = dict(adopted), libraries_count


def code_digest(*modules: str) -> str:
    """Digest of the code of the given modules of the package (``"media.faces"``), an adopted change undone."""
    own = own_digest(*modules)
    return _policy.adopted.get(own, own)


def own_digest(*modules: str) -> str:
    """Digest of the code as it stands, adopted or not."""
    counted: dict[str, object] = {"modules": code_parts(*modules)}
    if _policy.libraries_count:
        counted["libraries"] = libraries(*modules)
    return digest(counted)


def code_parts(*modules: str) -> dict[str, str]:
    """Digest (16 digits) of each module that decides the values of ``modules``, by its name."""
    return {name: _module(name, PACKAGE).digest for name in _reached(*modules)}


def libraries(*modules: str) -> dict[str, str]:
    """Installed version of each library that the code of ``modules`` imports and that can change values."""
    names = {name for module in _reached(*modules) for name in _module(module, PACKAGE).libraries}
    return {name: _version(name) for name in sorted(names)}


def library_text(*modules: str) -> str:
    """``libraries`` in one line, as artefacts note it: ``numpy 2.4.6, torch 2.13.0``."""
    return ", ".join(f"{name} {number}" for name, number in libraries(*modules).items())


@dataclass(frozen=True)
class _Module:
    digest: str
    imports: tuple[str, ...]
    libraries: tuple[str, ...]


def _reached(*modules: str) -> list[str]:
    """The given modules and those of the package that they import, as far as they count, sorted."""
    seen: set[str] = set()
    queue = list(modules)
    while queue:
        module = queue.pop()
        if module not in seen and not _uncounted(module):
            seen.add(module)
            queue.extend(_module(module, PACKAGE).imports)
    return sorted(seen)


@cache
def _module(module: str, package: Path) -> _Module:
    source = _source(module, package)
    if source is None:
        raise ValueError(f"no source of module '{module}', which is said to decide values")
    tree = _Bare().visit(ast.parse(source.read_text(encoding="utf-8")))
    found = list(_imports(tree, module, source.name == "__init__.py", package))
    followed = tuple(name for name, own in found if own)
    others = {name for name, own in found if not own} - _NEUTRAL - sys.stdlib_module_names
    sha = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]
    return _Module(sha, followed, tuple(_INSTALLED_AS.get(name, name) for name in sorted(others)))


def _uncounted(module: str) -> bool:
    return any(part in _UNCOUNTED for part in module.split(".")) and _file(PACKAGE, module) is not None


def _source(module: str, package: Path) -> Path | None:
    """The file of a module of the package, or of another package; nothing of that is imported to find it."""
    if own := _file(package, module):
        return own
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not inner:
        return Path(spec.origin) if spec.origin else None
    found = (_file(Path(place), ".".join(inner)) for place in spec.submodule_search_locations or ())
    return next((path for path in found if path), None)


def _file(folder: Path, module: str) -> Path | None:
    base = folder.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _imports(tree: ast.AST, module: str, is_package: bool, package: Path) -> Iterable[tuple[str, bool]]:
    """What a module imports: modules of our package or of its own (true), or library names (false)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            for alias in node.names:
                yield from _imported(f"{base}.{alias.name}", base, module, package)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _imported(alias.name, alias.name, module, package)


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The module that an import names; ours uses no relative ones."""
    if not node.level:
        return node.module or ""
    parents = module.split(".") if is_package else module.split(".")[:-1]
    return ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [node.module])])


def _imported(name: str, base: str, module: str, package: Path) -> Iterable[tuple[str, bool]]:
    """``name`` where that is a module to follow, else the module ``base`` that holds it, or the library's name."""
    top = base.split(".")[0]
    if top == "abaw_pipeline":
        inner, held = (text.removeprefix("abaw_pipeline").lstrip(".") for text in (name, base))
        followed = inner if inner and _file(package, inner) else held
        if followed:  # the package itself states its version and no more
            yield followed, True
    elif top == module.split(".")[0] and _file(package, module) is None:
        yield (name if _source(name, package) else base), True
    else:
        yield top, False


@cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


class _Bare(ast.NodeTransformer):
    """Takes out docstrings, settings classes (subclasses of ``Strict``) and what is imported for type checkers only."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(statement) for statement in node.orelse]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST | None:
        if any(isinstance(base, ast.Name) and base.id in ("Strict", "ExtractorSettings") for base in node.bases):
            return None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return node
