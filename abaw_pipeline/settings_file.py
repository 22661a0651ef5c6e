"""Settings as they stand in a file: read, joined with their presets, checked.

Everything a run needs is checked here before any job starts; an error is one line that names file and key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from abaw_pipeline.config import Config
from abaw_pipeline.consistency import check_consistency
from abaw_pipeline.datasets.definitions import TaskSection
from abaw_pipeline.filled_in import filled_in
from abaw_pipeline.presets import with_presets
from abaw_pipeline.runtime.adopted import adopted_codes
from abaw_pipeline.runtime.code import use_policy
from abaw_pipeline.strict import parse, plain
from abaw_pipeline.tasks import use_tasks


def load(file: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read and check a settings file.

    Args:
        overrides: ``key.path=value`` texts; the value is read as YAML.

    Raises:
        ValueError: one line naming file, key and, where it can, the nearest valid name.
    """
    return check(read(file, overrides), str(file))


def read(file: Path, overrides: tuple[str, ...] = ()) -> Any:
    """What a settings file says, unchecked; ``ValueError`` where it is no YAML or an override is none."""
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{file}: no such settings file (name one with --config)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    for override in overrides:
        _override(raw, override)
    return raw


def check(raw: Any, source: str) -> Config:
    """Validate settings that were already read; ``source`` leads each message.

    From here on this process takes for equal code what the settings and their results say (``runtime/code.py``).
    """
    config = parsed(raw, source)
    use_policy(adopted_codes(Path(config.results)), config.libraries == "rerun")
    check_consistency(config, source)
    return config


def parsed(raw: Any, source: str) -> Config:
    """Settings whose names and values are right one by one; whether they fit each other, ``check`` says.

    From here on this process knows the tasks that they define, and none that others defined.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{source}: settings must be a mapping of keys to values")
    raw = with_presets(raw, source)
    section = parse(TaskSection, {"tasks": raw.get("tasks", {})}, source)
    use_tasks(definition.named(name) for name, definition in section.tasks.items())
    return parse(Config, filled_in(plain(raw), source), source)


def _override(raw: Any, override: str) -> None:
    path, found, text = override.partition("=")
    if not found or not path:
        raise ValueError(f"--set {override}: write it as key.path=value")
    *parents, last = path.split(".")
    for key in parents:
        raw = raw.setdefault(key, {})
        if not isinstance(raw, dict):
            raise ValueError(f"--set {override}: '{key}' is a value, not a section")
    raw[last] = yaml.safe_load(text)
