"""A cell's body as the text of a function: the same lines at the same numbers, one level in.

Owns the rewriting of text. Line 1, where the magic stood, becomes the ``def``; so tracebacks, syntax errors and
``inspect`` need no help to find the cell's lines. Knows nothing of IPython or graphs.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from nbgraph.graph.syntax import parsed

INDENT = "    "
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_STRING_OPENS = frozenset(filter(None, (getattr(tokenize, name, None) for name in ("FSTRING_START", "TSTRING_START"))))
_STRING_ENDS = frozenset(filter(None, (getattr(tokenize, name, None) for name in ("FSTRING_END", "TSTRING_END"))))


class Body(NamedTuple):
    """What a body says of the function that it is the body of."""

    empty: bool
    """No statement in it: nothing, or comments only."""
    awaits: bool
    yields: int
    """The line of its first ``yield``, counted as in the cell (the magic's line is 1); 0 if it has none."""
    names: frozenset[str]
    """Every name that is read or written anywhere in it."""


def body_of(text: str) -> Body | None:
    """Look at a body; None for one that is no Python yet, which says what is wrong with it when it is compiled.

    >>> body_of("await x").awaits
    True
    """
    try:
        tree = parsed(text)
    except (SyntaxError, ValueError):
        return None
    own = list(_own(tree))
    yields = [node.lineno + 1 for node in own if isinstance(node, (ast.Yield, ast.YieldFrom))]
    names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return Body(not tree.body, any(map(_awaits, own)), min(yields, default=0), names)


def function_text(name: str, body: str, *, forced_async: bool = False) -> str:
    r"""Return a cell's body as a function of ``state``, and of ``ctx`` where the body speaks of it.

    The last expression is returned, as a cell shows its last expression.

    >>> print(function_text("count", "words = state['words']\n{'n': len(words)}\n"), end="")
    def count(state):
        words = state['words']
        return {'n': len(words)}
    """
    seen = body_of(body)
    lines = body.split("\n")
    if seen is not None:
        _return_last(lines, body)
    inside = _inside_strings("\n".join(lines))
    indented = [
        line if number in inside or not line.strip() else INDENT + line for number, line in enumerate(lines, start=1)
    ]
    is_async = forced_async or (seen is not None and seen.awaits)
    parameters = "state, ctx" if seen is None or "ctx" in seen.names else "state"
    text = "\n".join([f"{'async ' if is_async else ''}def {name}({parameters}):", *indented])
    return text if text.endswith("\n") else text + "\n"


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what belongs to the body itself, not to a function or class inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _own(child)


def _awaits(node: ast.AST) -> bool:
    within = isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith))
    return within or (isinstance(node, ast.comprehension) and bool(node.is_async))


def _return_last(lines: list[str], body: str) -> None:
    """Put ``return`` before the last statement if that is an expression with a value."""
    statements = parsed(body).body
    last = statements[-1] if statements else None
    if not isinstance(last, ast.Expr) or _says_nothing(last, first=last is statements[0]):
        return
    line = lines[last.lineno - 1]
    column = len(line.encode()[: last.col_offset].decode())  # the tree counts bytes
    lines[last.lineno - 1] = f"{line[:column]}return {line[column:]}"


def _says_nothing(statement: ast.Expr, *, first: bool) -> bool:
    """Say whether an expression is a docstring, dots, or a ``yield``, which is refused in words later."""
    value = statement.value
    if isinstance(value, ast.Constant):
        return value.value is ... or (first and isinstance(value.value, str))
    return isinstance(value, (ast.Yield, ast.YieldFrom))


def _inside_strings(text: str) -> set[int]:
    """Return the numbers of the lines that begin inside a string: their beginning is data."""
    inside: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING:
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
            elif token.type in _STRING_OPENS:
                opened.append(token.start[0])
            elif token.type in _STRING_ENDS:
                inside.update(range(opened.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        pass  # not Python: compiling it says so
    return inside
