"""Files that are written for people: into their place at once or not at all, and never over somebody else's.

Owns the writing. Knows nothing of what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from nbgraph.errors import OptionsError


def place_for(
    path: str | os.PathLike[str], kind: str, *, overwrite: bool, ours: Callable[[Path], bool] = lambda _: False
) -> Path:
    """Return where a file of a ``kind`` ("report", "trace") may be written: where nothing is, or what is ``ours``.

    Raises ``OptionsError`` for a folder, a file in a folder that is not there, and, unless ``overwrite``, any other file.
    """
    target = Path(path)
    wrong = _wrong(target, kind, overwrite=overwrite, ours=ours)
    if wrong:
        raise OptionsError(
            f"{target.name!r} {wrong}", still="nothing was written", todo="choose another path, or pass overwrite=True",
            option="path", actual=str(target),
        )  # fmt: skip
    return target


def _wrong(target: Path, kind: str, *, overwrite: bool, ours: Callable[[Path], bool]) -> str:
    if target.is_dir():
        return "is a folder"
    if not target.parent.is_dir():
        return "is in a folder that does not exist"
    if target.exists() and not overwrite and not ours(target):
        return f"exists, and is no {kind} that was written here"
    return ""


def put(target: Path, data: bytes) -> Path:
    """Write a file whole: whoever reads it sees the old one or the new one, never a part."""
    beside = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
    try:
        beside.write_bytes(data)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target
