"""The local server's default answers: Python code is reviewed by rules, anything else is told back.

Owns which rules which model's name gets, and the words. The rules are the same for all; names differ in what they
look at, so that a review by several "models" has something to compare. No name says anything about the real model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from nbgraph.testing.models.answer import Reply
from nbgraph.testing.models.asked import Asked
from nbgraph.testing.models.review import Finding, code_in, findings
from nbgraph.testing.models.tokens import cut_to

NOTE = "[local stand-in, no model: a few rules on the syntax tree]"
"""The first line of every review."""

ERRORS = ("bare-except", "swallowed", "mutable-default", "eval", "unreachable", "none")
SHAPE = ("long", "deep", "parameters", "global")
WORDS = ("docstring", "todo")

LOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gpt": ERRORS + SHAPE,
        "claude": SHAPE + WORDS + ("bare-except", "mutable-default"),
        "gemini": ERRORS + WORDS,
    }
)
"""Which rules the name of a model gets, by how it begins; others get all."""

QUICK = ("mini", "nano", "haiku", "flash", "lite")
"""Words in a model's name for which only the three gravest findings are told."""

THINKING = ("o1", "o3", "o4", "opus", "pro", "gpt-5", "thinking")
"""Words in a model's name for which every rule is named as a thought, which is counted as reasoning."""


def stand_in(asked: Asked) -> Reply:
    r"""Return the default answer: a review of the Python code in the prompt, else a sentence about the prompt.

    The review is text with one finding a line, or, where JSON is asked for, ``{"stand_in": true, "findings":
    [{"line", "rule", "severity", "text"}, ...]}`` by line.

    >>> asked = Asked(model="gpt-4o", messages=(("user", "```python\ndef f(a=[]):\n    return a\n```"),))
    >>> print(stand_in(asked).text)
    [local stand-in, no model: a few rules on the syntax tree]
    line 1, high: all calls of f share one default value (mutable-default)
    >>> stand_in(Asked(model="gpt-4o", messages=(("user", "Good morning"),))).text
    '[local stand-in, no model] gpt-4o was asked: Good morning'
    """
    code = code_in(asked.text)
    if not code:
        return Reply(_told_back(asked), reasoning=_thoughts(asked.model, 1))
    found = _graded(asked.model, findings(code, _rules(asked.model)))
    text = _as_json(found) if asked.wants_json else _as_text(found)
    return Reply(text, reasoning=_thoughts(asked.model, len(code.splitlines())))


def _rules(model: str) -> tuple[str, ...]:
    return next((rules for start, rules in LOOKS.items() if model.startswith(start)), ())


def _graded(model: str, found: list[Finding]) -> list[Finding]:
    """Return all findings, or the three gravest where the model's name sounds quick; by line."""
    if not any(word in model for word in QUICK):
        return found
    grave = sorted(found, key=lambda one: ("high", "medium", "low").index(one.severity))
    return sorted(grave[:3])


def _as_text(found: list[Finding]) -> str:
    lines = [f"line {one.line}, {one.severity}: {one.text} ({one.rule})" for one in found]
    return "\n".join([NOTE, *(lines or ["Nothing found."])])


def _as_json(found: list[Finding]) -> str:
    return json.dumps({"stand_in": True, "findings": [one._asdict() for one in found]})


def _told_back(asked: Asked) -> str:
    if asked.wants_json:
        return json.dumps({"stand_in": True, "asked": cut_to(asked.text, 20)})
    words = cut_to(asked.text, 20)
    return f"[local stand-in, no model] {asked.model} was asked: {words}{'' if words == asked.text else ' ...'}"


def _thoughts(model: str, lines: int) -> str:
    """Return what a name that sounds like thinking is said to have thought: a word for each line it was shown."""
    if not any(word in model for word in THINKING):
        return ""
    return " ".join(["No model thinks here; one word a line:", *["line"] * lines])
