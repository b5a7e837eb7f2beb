"""The source text of a function, as its author wrote it, and the digest that says whether it changed.

Owns finding the text: of a cell's function through ``linecache``, of a lambda among others on its line.
Never raises for code without source: its compiled form stands in. Knows nothing of graphs.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from types import CodeType
from typing import Any, NamedTuple

from nbgraph.graph.syntax import parsed


class Source(NamedTuple):
    """A function's text, without decorators and indentation ("" if nobody has it), and its SHA-256."""

    text: str
    digest: str


def source_of(fn: Any) -> Source:
    """Return a callable's source.

    >>> source_of(len).text
    ''
    """
    if isinstance(fn, functools.partial):
        inner = source_of(fn.func)
        return Source(inner.text, _sha(f"{inner.digest} {_plain(fn.args)} {_plain(sorted(fn.keywords.items()))}"))
    code = code_of(fn)
    if code is None:
        return Source("", _sha(f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', type(fn).__qualname__)}"))
    text = _lambda_text(code) if code.co_name == "<lambda>" else _function_text(fn)
    return Source(text, _sha(text or "\n".join(_code_facts(code))))


def tree_of(fn: Any) -> ast.AST | None:
    """Return the syntax tree of a callable's source, None where there is no source."""
    text = source_of(fn).text
    try:
        return parsed(text) if text else None
    except SyntaxError:
        return None


def code_of(fn: Any) -> CodeType | None:
    """Return the code object behind a function, method, partial or callable object."""
    if isinstance(fn, functools.partial):
        return code_of(fn.func)
    fn = inspect.unwrap(fn)
    fn = getattr(fn, "__func__", fn)
    code = getattr(fn if hasattr(fn, "__code__") else _call_of(fn), "__code__", None)
    return code if isinstance(code, CodeType) else None


def globals_of(fn: Any) -> dict[str, Any]:
    """Return the names that a callable's code sees: its module's, and those it closes over."""
    fn = inspect.unwrap(fn.func if isinstance(fn, functools.partial) else fn)
    fn = getattr(fn, "__func__", fn)
    if not hasattr(fn, "__globals__"):
        fn = _call_of(fn)
    names = dict(getattr(fn, "__globals__", {}))
    for name, cell in zip(
        getattr(code_of(fn), "co_freevars", ()), getattr(fn, "__closure__", None) or (), strict=False
    ):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    return names


def _call_of(fn: Any) -> Any:
    """Return the method behind a callable object, the object itself if it is built in."""
    return inspect.getattr_static(type(fn), "__call__", fn)


def _sha(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _function_text(fn: Any) -> str:
    fn = inspect.unwrap(fn)
    if not hasattr(getattr(fn, "__func__", fn), "__code__"):
        fn = _call_of(fn)
    code = code_of(fn)
    lines = _lines(code) if code is not None else []
    if code is None or not lines:
        return ""
    try:
        text = textwrap.dedent("".join(inspect.getblock(lines[code.co_firstlineno - 1 :])))
        tree = parsed(text)
    except (SyntaxError, IndexError):
        return ""
    first = tree.body[0] if tree.body else None
    if not isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return text.strip()
    # Decorators are configuration: the fingerprint has it as such, and adding a comment there changes no code.
    return "\n".join(line.rstrip() for line in text.splitlines()[first.lineno - 1 : first.end_lineno])


def _lines(code: CodeType) -> list[str]:
    """Return the lines of the file or cell that the code stands in, [] where nobody has them.

    Not ``inspect.getsource``: it looks through every imported module first, which takes milliseconds.
    """
    linecache.checkcache(code.co_filename)
    return linecache.getlines(code.co_filename)


def _lambda_text(code: CodeType) -> str:
    text = "".join(_lines(code))
    found = [node for node in _lambdas(text) if node.lineno == code.co_firstlineno]
    if not found:
        return ""
    spans = [(a, c, b, d) for a, b, c, d in code.co_positions() if None not in (a, b, c, d) and (a, c) != (b, d)]
    exact = [node for node in found if _span(node.body) in spans and _holds(node.body, spans)]
    # Of lambdas within lambdas the outermost that fits is the one: the inner one's code has no spans outside it.
    node = exact[0] if exact else found[0]
    return " ".join((ast.get_source_segment(text, node) or "").split())


@lru_cache(8)
def _lambdas(text: str) -> tuple[ast.Lambda, ...]:
    try:
        return tuple(node for node in ast.walk(parsed(text)) if isinstance(node, ast.Lambda))
    except SyntaxError:
        return ()


def _span(node: ast.expr) -> tuple[int, int, int | None, int | None]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _holds(node: ast.expr, spans: list[Any]) -> bool:
    begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return all(begin <= (a, b) and (c, d) <= end for a, b, c, d in spans if a != c or b != d)


def _code_facts(code: CodeType) -> Iterator[str]:
    """Yield what a code object does, without where it stands: the digest of code that has no source."""
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames[: code.co_argcount]}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_facts(constant)
        else:
            yield _plain(constant)


def _plain(value: Any) -> str:
    """Return a repr that is the same in every process: no addresses, no hash order."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_plain, value))})"
    if callable(value):
        return source_of(value).digest
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
