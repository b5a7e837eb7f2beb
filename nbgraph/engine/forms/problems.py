"""The one problem of an answer that is told: which of many, where, and against what.

Owns the choice, the same whatever the order of names in form and answer. Knows jsonschema's errors, and nothing of how
they are found.
"""

from __future__ import annotations

from typing import Any

from nbgraph.engine.forms.refusals import Problem
from nbgraph.engine.forms.showing import SENTENCE, cut, name_text, shown
from nbgraph.engine.forms.words import field_names, words


def first_problem(errors: list[Any], form: dict[str, Any]) -> Problem:
    """Return the problem with the first path; of options, that of the one which was meant, if that is clear."""
    error = min(errors, key=_place)
    if error.validator in ("anyOf", "oneOf") and (inner := _meant(error)):
        return first_problem(inner, form)
    tell = {"required": _missing, "additionalProperties": _surplus}.get(error.validator, _misfit)
    return tell(error, form)


def _place(error: Any) -> list[tuple[bool, Any]]:
    return [(isinstance(step, str), step) for step in error.absolute_path]


def _meant(error: Any) -> list[Any]:
    """Return the problems of the one option that the answer was meant for; nothing if that is not clear."""
    options: dict[Any, list[Any]] = {}
    for inner in error.context:
        options.setdefault(inner.schema_path[0], []).append(inner)
    near = [inner for inner in options.values() if all(one.path for one in inner)]
    if len(near) > 1:
        near = [inner for inner in near if not any(one.validator in ("const", "enum") for one in inner)]
    return near[0] if len(near) == 1 else []


def _missing(error: Any, form: dict[str, Any]) -> Problem:
    fields = error.schema.get("properties", {})
    return Problem(error.absolute_path, words(fields.get(error.absolute_path[-1], True), form), "missing")


def _surplus(error: Any, _form: dict[str, Any]) -> Problem:
    asked = ", ".join(map(name_text, field_names(error.schema))) or "nothing"
    found = shown(error.instance[error.absolute_path[-1]])
    return Problem(error.absolute_path, f"left out (asked for: {cut(asked, SENTENCE)})", found)


def _misfit(error: Any, form: dict[str, Any]) -> Problem:
    path, wanted = error.absolute_path, words(error.schema, form)
    if "propertyNames" in error.absolute_schema_path:
        return Problem(path, f"named with {wanted}", f"named {shown(path[-1])}")
    twice = ", each once" if error.validator == "uniqueItems" else ""
    return Problem(path, wanted + twice, shown(error.instance))
