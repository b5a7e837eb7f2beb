"""The errors of forms: an answer that does not fit, a value that JSON cannot hold, a question that cannot be put.

Owns their words. Knows nothing of how they are found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from nbgraph.engine.forms.showing import SENTENCE, cut, path_text
from nbgraph.errors import AnswerError, QuestionError


class Problem(NamedTuple):
    """Where in an answer something is wrong, what is expected there and what is there, in words."""

    path: Iterable[Any]
    expected: str
    actual: str


def refused(problem: Problem, todo: str) -> AnswerError:
    """Return the error about an answer that does not fit."""
    where = path_text(problem.path)
    return AnswerError(
        f"{f'{where} of the answer' if where else 'the answer'} should be {problem.expected}, but is {problem.actual}",
        todo=todo,
        path=where,
        expected=problem.expected,
        actual=problem.actual,
    )


def unkept(value: Any, why: str) -> AnswerError:
    """Return the error about an answer that JSON cannot hold."""
    kind = type(value).__qualname__
    return AnswerError(
        f"the answer (of type {kind}) cannot be kept as JSON: {cut(why, SENTENCE)}",
        todo="answer with what JSON has (texts, finite numbers, true and false, lists, dicts), or the question's type",
        path="",
        expected="JSON data",
        actual=kind,
    )


def unaskable(schema: Any, why: str) -> QuestionError:
    """Return the error about a type that nobody can be asked for."""
    name = getattr(schema, "__qualname__", None) or repr(schema)
    return QuestionError(
        f"nobody can be asked for a {name}: {cut(why, SENTENCE)}",
        todo="ask for a type that JSON gives back, or for anything (schema=None), and make the value of it in the node",
        expected="a type with a JSON form",
        actual=name,
    )


def unusable(error: Exception) -> QuestionError:
    """Return the error about a form that broke its reader."""
    return QuestionError(
        f"the form of the question's answer cannot be used: {cut(str(error), SENTENCE)}",
        todo="ask again, from the node's code",
    )
