"""Strict settings models, and errors that fit on one line and name the key."""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

_SCIENTIFIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


class Strict(BaseModel):
    """Base of every settings model: unknown keys are refused, values are typed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], raw: Any, source: str, at: tuple[str, ...] = ()) -> M:
    """Validate ``raw`` as ``model``.

    Args:
        source: file name to lead the message with.
        at: the keys under which ``raw`` stands in that file.

    Raises:
        ValueError: one line, ``source: key.path: what is wrong``.
    """
    try:
        return model.model_validate(plain(raw))
    except ValidationError as error:
        raise ValueError(f"{source}: {_one_line(model, error, at)}") from None


def plain(raw: Any) -> Any:
    """Read ``1e-4`` as a number: YAML 1.1 takes it for a string because it has no dot."""
    if isinstance(raw, dict):
        return {key: plain(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [plain(value) for value in raw]
    if isinstance(raw, str) and _SCIENTIFIC.fullmatch(raw):
        return float(raw)
    return raw


def nearest(name: str, known: Any) -> str:
    """``; did you mean 'x'?`` where a known name is close, else the list of known names."""
    names = sorted(str(item) for item in known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(names)}" if names else ""


def _one_line(model: type[BaseModel], error: ValidationError, at: tuple[str, ...]) -> str:
    # An unknown key is reported before the missing ones it may have caused (a misspelt required key).
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    path, owner = _walk(model, first["loc"])
    where = ".".join([*at, *path]) or "(top)"
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{where}: unknown key{nearest(path[-1], owner.model_fields if owner else ())}"
    if kind == "missing":
        return f"{where}: missing; it has no default"
    if kind == "union_tag_invalid":
        known = re.findall(r"'([^']+)'", context["expected_tags"])
        return f"{where}.{context['discriminator'].strip(chr(39))}: no such name '{context['tag']}'" + nearest(
            context["tag"], known
        )
    if kind == "union_tag_not_found":
        return f"{where}.{context['discriminator'].strip(chr(39))}: missing; it has no default"
    if kind == "literal_error":
        known = re.findall(r"'([^']+)'", context["expected"])
        return f"{where}: no such value {first['input']!r}{nearest(first['input'], known)}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')} (it is {_short(first['input'])})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _walk(model: type[BaseModel], loc: tuple[Any, ...]) -> tuple[list[str], type[BaseModel] | None]:
    """The user's key path of a pydantic location (union tags taken out), and the model that owns its last key."""
    path: list[str] = []
    annotation: Any = model
    owner: type[BaseModel] | None = None
    for part in loc:
        tagged = _variant(annotation, part)
        if tagged is not None:
            annotation = tagged
            continue
        path.append(str(part))
        owner = _model_in(annotation)
        annotation = _child(annotation, part)
    return path, owner


def _members(annotation: Any) -> list[Any]:
    """The annotation and everything inside its unions and ``Annotated``."""
    found, queue = [], [annotation]
    while queue:
        item = queue.pop()
        found.append(item)
        if not (isinstance(item, type) and not get_args(item)) and getattr(item, "__origin__", None) not in (
            dict,
            list,
            tuple,
        ):
            queue.extend(arg for arg in get_args(item))
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    models = [m for m in _members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    return models[0] if len(models) == 1 else None


def _variant(annotation: Any, part: Any) -> type[BaseModel] | None:
    """The model of a tagged union whose tag is ``part`` (pydantic puts the tag into the location)."""
    models = [m for m in _members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    if len(models) < 2:
        return None
    for candidate in models:
        for info in candidate.model_fields.values():
            if part in get_args(info.annotation) and info.annotation is not None and "Literal" in str(info.annotation):
                return candidate
    return None


def _child(annotation: Any, part: Any) -> Any:
    model = _model_in(annotation)
    if model is not None:
        info = model.model_fields.get(str(part))
        return info.annotation if info else None
    for member in _members(annotation):
        arguments = get_args(member)
        if getattr(member, "__origin__", None) is dict:
            return arguments[1]
        if getattr(member, "__origin__", None) in (list, tuple):
            return arguments[0]
    return None
