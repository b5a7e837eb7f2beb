"""Writing a report.

Owns which file is a report.
"""

from __future__ import annotations

import os
from pathlib import Path

from nbgraph.errors import OptionsError
from nbgraph.files import place_for, put
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
    target = place_for(path, "report", overwrite=overwrite, ours=is_report)
    return put(target, page(gathered(run), theme).encode())


def is_report(path: Path) -> bool:
    """Say whether a file is a report that was written here."""
    with path.open("rb") as file:
        return MARK.encode() in file.read(500)
