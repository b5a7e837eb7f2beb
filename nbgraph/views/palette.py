"""What a status looks like: colours for light and dark, a mark for grey print, and the words.

Owns the one table that the drawings, the widgets and the report share. The colours are told apart with
protanopia, deuteranopia and tritanopia (they vary in lightness too, and each status has its own mark), after
the palette of Okabe and Ito, "Color Universal Design" (2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How one status is drawn: fill, line and text for light and for dark, a mark, and its word."""

    mark: str
    word: str
    light: tuple[str, str, str]
    dark: tuple[str, str, str]


STATUSES: Mapping[str, Look] = {
    "idle": Look("", "not yet", ("#ffffff", "#8a8f98", "#24292f"), ("#1f2328", "#6e7681", "#e6edf3")),
    "ready": Look("◌", "ready", ("#eef3f8", "#5b7083", "#24292f"), ("#27313b", "#8fa3b5", "#e6edf3")),
    "running": Look("▶", "running", ("#fff1cc", "#b07d00", "#3a2a00"), ("#4a3a08", "#f0c04a", "#fff4d6")),
    "done": Look("✓", "done", ("#d5efe6", "#00795c", "#06382b"), ("#0f3d31", "#35b58f", "#d9f7ec")),
    "reused": Look("♻", "kept from before", ("#e9f1ee", "#4f9c86", "#24423a"), ("#1d322c", "#6fae9c", "#cfe5dd")),
    "retried": Look("↻", "trying again", ("#ffe3d1", "#c2530c", "#4d2100"), ("#4b2711", "#f08a4b", "#ffe6d6")),
    "failed": Look("✗", "failed", ("#f6d5dc", "#a8174a", "#4a0a21"), ("#4c1027", "#f0638f", "#ffdbe6")),
    "waiting": Look("?", "waits for a person", ("#d9e8fb", "#0a5fb4", "#06294d"), ("#0e3157", "#5aa9f5", "#d8eaff")),
    "skipped": Look("–", "not taken", ("#f4f4f5", "#b4b8bf", "#6b7280"), ("#23272d", "#4b525c", "#9aa3ad")),
}
"""Status of a node, or of a span of a timeline. "retried": it failed and is about to be tried again."""

SERIES = {
    "light": ("#0072b2", "#c2530c", "#00795c", "#9b4f96", "#7a6300"),
    "dark": ("#56b4e9", "#f0945a", "#35b58f", "#dd9bd6", "#e3d24a"),
}
"""Colours of lines that stand for names, as models in a chart; each also has a dash of its own where it is drawn."""

PAPER = {"light": ("#ffffff", "#24292f", "#57606a", "#d0d7de"), "dark": ("#16191d", "#e6edf3", "#9aa4af", "#3a424c")}
"""Background, ink, faint ink, hairline."""


def css_variables(theme: str) -> str:
    """Return the colours of a theme ("light" or "dark") as CSS custom properties.

    >>> css_variables("light").splitlines()[0]
    '--ng-paper: #ffffff;'
    """
    names = ("paper", "ink", "faint", "line")
    lines = [f"--ng-{name}: {colour};" for name, colour in zip(names, PAPER[theme], strict=True)]
    for status, look in STATUSES.items():
        fill, line, text = look.light if theme == "light" else look.dark
        lines += [f"--ng-{status}-fill: {fill};", f"--ng-{status}-line: {line};", f"--ng-{status}-text: {text};"]
    lines += [f"--ng-series-{place}: {colour};" for place, colour in enumerate(SERIES[theme])]
    return "\n".join(lines)
