"""One metrics module and one module of folds serve every track: nothing else computes a score or parts clips."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import abaw_pipeline
from abaw_pipeline import metrics

PACKAGE = Path(abaw_pipeline.__file__).parent
MEASURES = {"ccc", "pearson", "f1", "macro_f1", "mean_ccc", "mean_pearson", "mean_f1", "mtl_sum"}
SCORERS = {"training/loop.py", "ensembles/scores.py", "report/truth.py", "report/compare.py", "submission/score.py"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """Modules and names that a module imports, whole."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def importers(name: str) -> set[str]:
    return {module for module, tree in modules() if name in imported(tree)}


def defined(name: str) -> list[str]:
    return [
        module
        for module, tree in modules()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]


def test_each_metric_is_defined_once_and_called_from_one_place() -> None:
    assert {name for name in MEASURES if callable(getattr(metrics, name))} == MEASURES
    for name in MEASURES:
        assert defined(name) == ["metrics.py"]
        assert importers(f"abaw_pipeline.metrics.{name}") <= {"training/scores.py"}
    assert importers("sklearn.metrics") == {"metrics.py"}


def test_training_ensembles_report_and_files_are_scored_by_the_same_function() -> None:
    found = importers("abaw_pipeline.training.scores.score") | importers("abaw_pipeline.training.scores")
    assert found >= SCORERS and defined("track_score") == ["training/scores.py"]


def test_clips_are_parted_and_fold_files_read_in_one_place() -> None:
    assert defined("split") == ["training/splits/folds.py"]
    assert defined("listed_folds") == ["training/splits/file.py"]
    assert importers("abaw_pipeline.training.splits.file.listed_folds") == {"training/splits/folds.py"}
    assert not importers("sklearn.model_selection")
