"""Text becomes markup here, and nowhere else on Python's side.

Owns the escaping of everything that comes from states, names, files and errors, for HTML and SVG, as content
and as attribute. Knows nothing of what is drawn.
"""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from typing import Any

_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What no XML document may hold, and lone surrogates, which no encoding can."""
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text behind them: a name could make its neighbours read backwards."""


def plain(text: Any) -> str:
    r"""Return text that any page and any encoding can hold, still unescaped: bad characters stand as "�".

    >>> plain("a\0b")
    'a�b'
    """
    return _TURNS.sub("\ufffd", _UNSAFE.sub("\ufffd", str(text)))


def safe(text: Any) -> str:
    """Return text as it may stand in HTML or SVG, as content or in a quoted attribute.

    >>> safe('<b "x">')
    '&lt;b &quot;x&quot;&gt;'
    """
    return escape(plain(text))


NO_FORMULA = "tex2jax_ignore mathjax_ignore"
"""The class of markup in which dollars are dollars: a notebook sets what stands between two of them as a formula."""


def picture_uri(svg: str) -> str:
    """Return an SVG document as the address of a picture: a data URI, the one form that an untrusted notebook shows.

    >>> picture_uri("<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def cut(text: Any, most: int) -> str:
    """Return ``text`` on one line with at most ``most`` characters, the last of them an ellipsis where some are missing.

    >>> cut("one  two", 5)
    'one …'
    """
    line = " ".join(plain(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
