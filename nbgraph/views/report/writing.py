"""Writing a report: into its place at once or not at all, and never over what is no report.

Owns the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from nbgraph.errors import OptionsError
from nbgraph.views.report.gathering import gathered
from nbgraph.views.report.page import MARK, page
from nbgraph.views.subject import Subject

_THEMES = ("light", "auto")


def write_report(run: Subject, path: str | os.PathLike[str], *, theme: str = "auto", overwrite: bool = False) -> Path:
    """Write a run as one HTML file that needs nothing else; return its path.

    The page can be read without scripts, in any browser and on paper; with them a scrubber moves the drawing and the
    state through the steps. It loads nothing from anywhere. Long runs and large states are shown in part, and the
    page says what is left out. ``theme``: "auto" follows the reader's system, "light" is always light.

    A report that is there is replaced. Any other file is left alone, with an ``OptionsError``, unless ``overwrite``.
    """
    if theme not in _THEMES:
        raise OptionsError(f"theme is {theme!r}; it should be {' or '.join(map(repr, _THEMES))}", option="theme")
    target = _checked(Path(path), overwrite=overwrite)
    text = page(gathered(run), theme)
    beside = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _checked(target: Path, *, overwrite: bool) -> Path:
    if target.is_dir() or (target.exists() and not overwrite and not is_report(target)):
        what = "is a folder" if target.is_dir() else "exists, and is no report"
        raise OptionsError(
            f"{target.name!r} {what}", still="nothing was written", todo="choose another path, or pass overwrite=True",
            option="path",
        )  # fmt: skip
    return target


def is_report(path: Path) -> bool:
    """Say whether a file is a report that was written here."""
    with path.open("rb") as file:
        return MARK.encode() in file.read(500)
