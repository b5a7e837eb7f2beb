"""A form in words, for people.

Owns ``hint`` and the words for each part of a form; bounded, however much the form says. Knows nothing of answers.
"""

from __future__ import annotations

import re
from typing import Any

from nbgraph.engine.forms.keywords import FORMATS, LIMITS
from nbgraph.engine.forms.reading import read_form
from nbgraph.engine.forms.showing import SENTENCE, cut, name_text, shown

_NAMED, _LEVELS = 8, 4  # options, fields or items that are named; levels that are gone down

_TYPES = {
    "boolean": "yes or no (true/false)",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing (null)",
}


def hint(description: dict[str, Any]) -> str:
    """Return a form in a few words for people; never raises, whatever a file says.

    >>> hint({"type": "integer", "minimum": 0}), hint({"enum": ["a", "b"]})
    ('a whole number from 0', 'one of "a", "b"')
    """
    try:
        return form_text(read_form(description))
    except Exception:  # noqa: BLE001 - a list of questions shows its other rows
        return "an answer whose form cannot be read"


def form_text(form: dict[str, Any]) -> str:
    """Return what fits a whole form."""
    return cut(words(form, form), SENTENCE)


def words(schema: Any, form: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    """Return what fits a part of a form.

    ``above`` are the names of the definitions that the part stands in, and "" for each level.
    """
    if isinstance(schema, bool):
        return "any value" if schema else "nothing at all"
    if above.count("") > _LEVELS or len(above) > 3 * _LEVELS:
        return "..."
    if "$ref" in schema:
        return _definition(schema["$ref"].removeprefix("#/$defs/"), form, above)
    if "const" in schema or "enum" in schema:
        return _options(schema.get("enum", [schema.get("const")]))
    for key, between in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if key in schema:
            return cut(between.join(_each(schema[key], form, (*above, ""))), SENTENCE)
    return cut(_of_type(schema, form, (*above, "")), SENTENCE)


def field_names(schema: Any) -> list[str]:
    """Return the names of an object's fields: those required in their order, then the others by name."""
    fields, required = schema.get("properties", {}), schema.get("required", [])
    return [name for name in required if name in fields] + sorted(fields.keys() - set(required))


def _definition(name: str, form: dict[str, Any], above: tuple[str, ...]) -> str:
    return f"another {name}" if name in above else words(form["$defs"][name], form, (*above, name))


def _each(schemas: Any, form: dict[str, Any], above: tuple[str, ...]) -> list[str]:
    return [words(one, form, above) for one in schemas[:_NAMED]]


def _options(options: list[Any]) -> str:
    told = ", ".join(shown(one) for one in options[:_NAMED]) + _more(options)
    return told if len(options) == 1 else f"one of {told}"


def _more(told: Any) -> str:
    return f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""


def _of_type(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    kind = schema.get("type")
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]][1] + _range(schema)
    if kind == "string":
        return _text(schema)
    if kind == "array":
        return _tuple(schema, form, above) if "prefixItems" in schema else _list(schema, form, above)
    if kind == "object":
        return _record(schema, form, above) if schema.get("properties") else _dict(schema, form, above)
    return _TYPES[kind] + _range(schema) if kind in _TYPES else "any value"


def _text(schema: Any) -> str:
    like = f" matching {shown(schema['pattern'])}" if "pattern" in schema else ""
    return f"a text{_count(schema, 'Length', 'character')}{like}"


def _tuple(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    many = len(schema["prefixItems"])
    return f"a list of {many} item{'s' * (many != 1)}: {', then '.join(_each(schema['prefixItems'], form, above))}"


def _list(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    each = f", each {words(schema['items'], form, above)}" if schema.get("items", True) not in (True, {}) else ""
    return f"a list{_count(schema, 'Items', 'item') or ' of items'}{each}"


def _dict(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    each = schema.get("additionalProperties", True)
    return "an object" + (f", each value {words(each, form, above)}" if each not in (True, False, {}) else "")


def _record(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    told = [_field(name, schema, form, above) for name in field_names(schema)[:_NAMED]]
    return f"an object with {', '.join(told)}{_more(schema['properties'])}"


def _field(name: str, schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    kind = re.sub(r"^an? ", "", words(schema["properties"][name], form, above))
    return f"{name_text(name)} ({kind}{'' if name in schema.get('required', []) else ', optional'})"


def _range(schema: Any) -> str:
    told = [f"{word} {shown(schema[key]).removesuffix('.0')}" for key, (_, word) in LIMITS.items() if key in schema]
    if told and told[-1].startswith("to "):
        told = [" ".join(told)] if told[0].startswith("from ") else [*told[:-1], f"up {told[-1]}"]
    many = [f"a multiple of {shown(schema['multipleOf'])}"] if "multipleOf" in schema else []
    return f"{' ' if told else ', ' if many else ''}{', '.join(told + many)}"


def _count(schema: Any, what: str, unit: str) -> str:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    if most is None:
        return f" of at least {least} {unit}{'s' * (least != 1)}" if least else ""
    amount = str(most) if least == most else f"{least} to {most}" if least else f"at most {most}"
    return f" of {amount} {unit}{'s' * (most != 1)}"
