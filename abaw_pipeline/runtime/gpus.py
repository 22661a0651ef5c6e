"""Which GPUs there are, told without torch: a lease must choose one before torch looks."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import takewhile

from abaw_pipeline.runtime.progress import say

_LISTED = re.compile(r"(?P<kind>GPU|MIG) .*\(UUID: (?P<uuid>[^)]+)\)")


def devices() -> list[str]:
    """Names of the GPUs that this process may use; each is a value for ``CUDA_VISIBLE_DEVICES``.

    ``CUDA_VISIBLE_DEVICES`` decides where it is set (empty, or ``-1`` in front: none), else all that ``nvidia-smi``
    lists. Numbers are those of ``nvidia-smi``; where it is there every name is a whole UUID, so two processes that
    mean one device name it alike. A GPU that is split by MIG stands for its parts.

    Raises:
        ValueError: ``CUDA_VISIBLE_DEVICES`` names no device, several at once, or a GPU that is split by MIG.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return [name for uuid, *parts in _listed() for name in parts or [uuid]]
    entries = list(takewhile(lambda entry: entry != "-1", (entry.strip() for entry in given.split(","))))
    if entries in ([], [""]):
        return []
    known = _listed()
    try:
        return list(dict.fromkeys(_named(entry, known) for entry in entries))
    except ValueError as error:
        raise ValueError(f"CUDA_VISIBLE_DEVICES={given}: {error}; 'nvidia-smi -L' lists the GPUs") from None


def _listed() -> list[list[str]]:
    """Per GPU in the order of ``nvidia-smi``: its UUID, and after it those of its MIG parts."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError:
        return []
    except subprocess.TimeoutExpired:
        raise ValueError("'nvidia-smi -L' did not answer for two minutes; set device: cpu, or repair it") from None
    if done.returncode:
        say(f"no GPU: 'nvidia-smi -L' failed: {' '.join((done.stdout + done.stderr).split())}")
        return []
    found: list[list[str]] = []
    for line in map(_LISTED.search, done.stdout.splitlines()):
        if line and line["kind"] == "GPU":
            found.append([line["uuid"]])
        elif line:
            found[-1].append(line["uuid"])
    return found


def _named(entry: str, known: list[list[str]]) -> str:
    """One entry of ``CUDA_VISIBLE_DEVICES`` as the name of its device; as it stands where nothing is known."""
    if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", entry):
        raise ValueError(f"'{entry}' is neither a number nor a UUID of a GPU")
    if not known:
        return str(int(entry)) if entry.isdecimal() else entry
    if entry.isdecimal():
        matches = [gpu for number, gpu in enumerate(known) if number == int(entry)]
    else:
        matches = [gpu for gpu in known if gpu[0].startswith(entry)]
        matches += [[part] for gpu in known for part in gpu[1:] if part.startswith(entry)]
    if len(matches) != 1:
        raise ValueError(f"'{entry}' is {'no GPU' if not matches else 'the beginning of several UUIDs'} here")
    if len(matches[0]) > 1:
        raise ValueError(f"'{entry}' is split by MIG, name its parts")
    return matches[0][0]
