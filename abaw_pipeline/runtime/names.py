"""Clip ids as path names, by one reversible escape."""

from __future__ import annotations

from urllib.parse import quote, unquote


def escape(clip_id: str) -> str:
    """A name that is safe as one path component; ``unescape`` gives the id back.

    Letters, digits and ``_ - ~`` stay; a dot stays except in front (hidden files, ``.`` and ``..``);
    everything else becomes ``%XX`` of its UTF-8 bytes.
    """
    if not clip_id:
        raise ValueError("a clip id must not be empty")
    name = quote(clip_id, safe="")
    return "%2E" + name[1:] if name.startswith(".") else name


def unescape(name: str) -> str:
    """The clip id that ``escape`` made ``name`` from."""
    return unquote(name)
