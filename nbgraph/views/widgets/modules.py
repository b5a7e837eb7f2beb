"""A widget's page side: plain ES modules on disk, sent as one text.

Owns the joining: a widget sends one module, and what several widgets share is written once. Each file is a
valid module by itself (``import``/``export`` of named things, one a line), so that a browser can load it from disk
too. No build step, no bundler, no CDN.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from nbgraph.views.palette import css_variables

_STATIC = Path(__file__).parent / "static"
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./([\w-]+)\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function |const |class )", re.MULTILINE)


@cache
def module(name: str) -> str:
    """Return the text of ``static/<name>.js`` with everything that it imports before it, each file once."""
    return joined(_text(name))


def joined(text: str) -> str:
    """Return the text of a module with the files of ``static/`` that it imports before it, each once."""
    found: dict[str, str] = {}
    _collect("", text, found)
    own = found.pop("")
    return "\n".join([*(_EXPORT.sub("", shared) for shared in found.values()), own])


def _text(name: str) -> str:
    return (_STATIC / f"{name}.js").read_text(encoding="utf-8")


def _collect(name: str, text: str, found: dict[str, str]) -> None:
    for other in _IMPORT.findall(text):
        if other not in found:
            _collect(other, _text(other), found)
    found[name] = _IMPORT.sub("", text)


@cache
def stylesheet(*names: str) -> str:
    """Return the colours of both themes, the common rules, and ``static/<name>.css`` for each name."""
    texts = [(_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("base", *names)]
    light, dark = css_variables("light"), css_variables("dark")
    return "\n".join([
        f".ng {{ color-scheme: light; {light} }}",
        f"@media (prefers-color-scheme: dark) {{ .ng {{ color-scheme: dark; {dark} }} }}",
        f'body[data-jp-theme-light="true"] .ng, .vscode-light .ng, .ng[data-theme="light"] {{ color-scheme: light; {light} }}',
        f'body[data-jp-theme-light="false"] .ng, .vscode-dark .ng, .ng[data-theme="dark"] {{ color-scheme: dark; {dark} }}',
        *texts,
    ])  # fmt: skip
