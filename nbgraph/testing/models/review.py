"""A review of Python code by rules: what the local stand-in says instead of what a model would.

Owns the rules. Pure: text in, findings out, sorted by line. Nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from nbgraph.graph.syntax import parsed

LONG = 40
"""Lines from which a function is called long."""

MANY = 5
"""Parameters from which a function is said to take many."""

DEEP = 4
"""Blocks inside each other from which a function is called deep."""


class Finding(NamedTuple):
    """One remark about one line: which rule, and how much it matters, "high", "medium" or "low"."""

    line: int
    rule: str
    severity: str
    text: str


Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[ast.Module], Iterator[Finding]]


def code_in(text: str) -> str:
    r"""Return the Python code in a prompt: its fenced blocks, else all of it if it parses, else "".

    >>> code_in("Review this:\n```python\nx = 1\n```\nThanks")
    'x = 1\n'
    >>> code_in("no code here")
    ''
    """
    fenced = "\n".join(_FENCE.findall(text))
    if fenced:
        return fenced if _tree(fenced) is not None else ""
    tree = _tree(text)
    return text if tree is not None and any(isinstance(part, _REAL) for part in tree.body) else ""


_FENCE = re.compile(r"^```[\w+-]*[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_REAL = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)


def findings(code: str, rules: tuple[str, ...] = ()) -> list[Finding]:
    r"""Return what ``rules`` (all of them if none is named) find in ``code``, by line; code that does not parse has none.

    >>> [f"{one.line} {one.rule}" for one in findings("def f():\n    try: g()\n    except: pass")]
    ['1 docstring', '3 bare-except']
    """
    tree = _tree(code)
    if tree is None:
        return []
    chosen = [RULES[name] for name in rules or RULES if name in RULES]
    found = [one for rule in chosen for one in rule(tree)]
    return sorted(found + (_todos(code) if not rules or "todo" in rules else []))


def _tree(code: str) -> ast.Module | None:
    try:
        return parsed(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (part for part in ast.walk(tree) if isinstance(part, Function))


def _docstring(tree: ast.Module) -> Iterator[Finding]:
    for one in _functions(tree):
        if not one.name.startswith("_") and ast.get_docstring(one) is None:
            yield Finding(one.lineno, "docstring", "low", f"{one.name} does not say what it does")


def _long(tree: ast.Module) -> Iterator[Finding]:
    for one in _functions(tree):
        lines = (one.end_lineno or one.lineno) - one.lineno + 1
        if lines > LONG:
            yield Finding(one.lineno, "long", "medium", f"{one.name} is {lines} lines long; {LONG} are enough")


def _many(tree: ast.Module) -> Iterator[Finding]:
    for one in _functions(tree):
        count = len(one.args.posonlyargs + one.args.args + one.args.kwonlyargs)
        if count > MANY:
            yield Finding(one.lineno, "parameters", "low", f"{one.name} takes {count} parameters")


def _deep(tree: ast.Module) -> Iterator[Finding]:
    for one in _functions(tree):
        depth = _depth(one) - 1
        if depth >= DEEP:
            yield Finding(one.lineno, "deep", "medium", f"{one.name} has {depth} blocks inside each other")


def _depth(part: ast.AST) -> int:
    inside = max((_depth(child) for child in ast.iter_child_nodes(part)), default=0)
    return inside + isinstance(part, (Function, ast.For, ast.While, ast.If, ast.With, ast.Try, ast.AsyncFor))


def _bare(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        if isinstance(part, ast.ExceptHandler) and part.type is None:
            yield Finding(part.lineno, "bare-except", "high", "except without a class also catches Ctrl-C")


def _swallowed(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        broad = isinstance(part, ast.ExceptHandler) and getattr(part.type, "id", "") in ("Exception", "BaseException")
        if broad and isinstance(part, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in part.body):
            yield Finding(part.lineno, "swallowed", "high", "an error of any kind is dropped without a word")


def _mutable(tree: ast.Module) -> Iterator[Finding]:
    for one in _functions(tree):
        for value in (*one.args.defaults, *one.args.kw_defaults):
            if isinstance(value, (ast.List, ast.Dict, ast.Set)):
                yield Finding(one.lineno, "mutable-default", "high", f"all calls of {one.name} share one default value")
                break


def _none(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], (ast.Eq, ast.NotEq)):
            sides = (part.left, part.comparators[0])
            if any(isinstance(side, ast.Constant) and side.value is None for side in sides):
                yield Finding(part.lineno, "none", "medium", "None is compared with ==, where `is` is meant")


def _global(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Global):
            yield Finding(part.lineno, "global", "medium", f"global {', '.join(part.names)} is changed from inside")


def _evaluated(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Call) and getattr(part.func, "id", "") in ("eval", "exec"):
            yield Finding(part.lineno, "eval", "high", "text is run as code")


def _unreachable(tree: ast.Module) -> Iterator[Finding]:
    for part in ast.walk(tree):
        body = getattr(part, "body", None)
        for line, after in pairwise(body if isinstance(body, list) else []):
            if isinstance(line, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
                yield Finding(after.lineno, "unreachable", "high", "nothing gets here")
                break


def _todos(code: str) -> list[Finding]:
    lines = enumerate(code.splitlines(), 1)
    found = ((number, _TODO.search(line)) for number, line in lines)
    return [Finding(number, "todo", "low", f"{mark[1]} is still open") for number, mark in found if mark]


_TODO = re.compile(r"#.*\b(TODO|FIXME|XXX)\b")

RULES: dict[str, Rule] = {
    "bare-except": _bare,
    "swallowed": _swallowed,
    "mutable-default": _mutable,
    "eval": _evaluated,
    "unreachable": _unreachable,
    "none": _none,
    "global": _global,
    "long": _long,
    "deep": _deep,
    "parameters": _many,
    "docstring": _docstring,
}
"""Every rule but "todo", which reads lines."""
