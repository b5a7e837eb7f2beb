"""Text never becomes markup by accident: one place on Python's side, none on the page's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nbgraph.faces

PACKAGE = Path(nbgraph.faces.__file__).parent
SCRIPTS = sorted(PACKAGE.rglob("*.js"))
PARSES = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|setHTML|parseHTMLUnsafe"
    r"|DOMParser|srcdoc|eval|Function|importScripts)\b|document\.write|javascript:|\bset(?:Timeout|Interval)\(\s*[\"'`]"
)
"""What turns a text into markup, or into code, on a page."""
TAG = re.compile(r"</?[a-zA-Z!][\w-]*(?:\s|>|/|$)|&[a-z]+;")
"""The beginning of a tag, or an entity, in a Python text."""


def commented_out(script: str) -> str:
    """Return a script without its comments: they may name what they forbid."""
    return re.sub(r"(?m)(^|\s)//.*$", "", script)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_page_makes_text_and_elements_only(file: Path):
    """No script parses markup or code: what comes from a run can only become text."""
    assert [] == PARSES.findall(commented_out(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "script",
    [
        "node.innerHTML = name;",
        "node.insertAdjacentHTML('beforeend', name);",
        "node.outerHTML += name;",
        "new DOMParser().parseFromString(name, 'text/html');",
        "document.write(name);",
        "eval(name);",
        "new Function(name)();",
        "setTimeout('go()', 1);",
        "frame.srcdoc = name;",
        "link.href = 'javascript:go()';",
    ],
)
def test_every_way_to_parse_markup_is_noticed(script: str):
    """The check above can fail, for each way that a page has."""
    assert PARSES.findall(script)


def python_files() -> list[Path]:
    """Return the files that may make something for a page."""
    return sorted(file for part in ("views", "notebook") for file in (PACKAGE / part).rglob("*.py"))


def unescaped(source: str) -> list[str]:
    """Return the texts with markup in which something is put that did not go through ``safe``.

    Looked at are f-strings that hold a tag, and texts with a tag that are added, formatted or joined to another.
    """
    tree = ast.parse(source)
    specs = {id(node.format_spec) for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in specs and _has_tag(node):
            found += [ast.unparse(value.value) for value in node.values if isinstance(value, ast.FormattedValue) and not _is_safe(value.value)]  # fmt: skip
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
            sides = (node.left, node.right)
            if any(_tagged(side) for side in sides):
                found += [ast.unparse(side) for side in sides if not _tagged(side) and not _is_safe(side)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            found += [ast.unparse(node)] if _tagged(node.func.value) else []
    return found


def _has_tag(text: ast.JoinedStr) -> bool:
    # What is put in stands as a letter, so that "<{tag}>" is a tag too.
    parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in text.values]
    return bool(TAG.search("".join(parts)))


def _tagged(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(TAG.search(node.value))


def _is_safe(node: ast.AST) -> bool:
    """Say whether an expression is markup already: it was escaped, is a number, or a function made it."""
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper()):
        return True
    if isinstance(node, ast.IfExp):
        return _is_safe(node.body) and _is_safe(node.orelse)
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == "join":
            return all(not isinstance(arg, (ast.GeneratorExp, ast.ListComp)) or _is_safe(arg.elt) for arg in node.args)
        return name in ("safe", "picture_uri", "tag", "html_table", "len", "int", "number") or name.startswith(
            ("_", "as_markup")
        )
    if isinstance(node, ast.BinOp):
        return _is_safe(node.left) and _is_safe(node.right)
    if not isinstance(node, ast.JoinedStr):
        return False
    # One with tags of its own is looked at by itself.
    return _has_tag(node) or all(isinstance(part, ast.Constant) or _is_safe(part.value) for part in node.values)


LOOKED_AT = {
    "notebook/arguments.py": {"what"},  # the name of a piece of code in a traceback, "<--state>"
    "views/drawing/element.py": {"attributes", "inside", "one.tag"},  # made with safe above; tags are ours
    "views/layout/dot.py": {"size"},  # numbers, for the program dot
    "views/markup.py": {"name", "said"},  # the one function that writes elements; attributes went through safe
    "views/static.py": {
        "height",
        "line",
        "mark",
        "style",
        "tag",
        "width",
    },  # numbers, lines made with safe below
    "views/tables.py": {"tag"},  # "th" or "td"
    "views/widgets/diff_view.py": {"words['text/html']"},  # what the static picture of a diff made
}
"""File -> what is put between tags there without ``safe``, looked at by a person."""


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_what_is_put_into_markup_was_escaped(file: Path):
    """In Python, whatever is put between tags went through ``escape.safe``, or is one of the few that were looked at."""
    fine = LOOKED_AT.get(file.relative_to(PACKAGE).as_posix(), set())
    assert [] == [text for text in unescaped(file.read_text(encoding="utf-8")) if text not in fine]


@pytest.mark.parametrize(
    "source",
    [
        "f'<b>{name}</b>'",
        "f'<{tag}>'",
        "'<b>' + name",
        "'<b>%s</b>' % name",
        "'<b>{}</b>'.format(name)",
        "f'<ul>{\"\".join(name for name in names)}</ul>'",
        "f'<img alt=\"{str(name)}\">'",
        "f'<b>{safe(a) if a else b}</b>'",
        "f'<b>{f\"{name}\"}</b>'",
    ],
)
def test_text_between_tags_that_was_not_escaped_is_noticed(source: str):
    """The check above can fail, for each way to put texts together."""
    assert unescaped(source)


@pytest.mark.parametrize(
    "source", ["f'<b>{safe(name)}</b>'", "f'{a} < {b}'", "f'<p>{len(names)}</p>'", '"""A <b>doc</b>."""']
)
def test_what_is_escaped_or_no_markup_passes(source: str):
    """The check above lets through what is meant."""
    assert [] == unescaped(source)


def test_one_file_escapes():
    """Nothing but ``nbgraph/escape.py`` uses the standard library's escaping: there is one rule for what a page may hold."""
    found = [
        file.relative_to(PACKAGE).as_posix()
        for file in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"\bhtml\.escape\b|from html import|import html\b", file.read_text(encoding="utf-8"))
    ]
    assert ["escape.py"] == found
