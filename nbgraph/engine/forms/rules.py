"""What each keyword of a form demands of a value.

Owns the rules that are ours: where JSON Schema is looser than a type (True is no number), or needs help (decimals are
texts). Those of jsonschema serve for the rest. Knows nothing of the order or the words of problems.
"""

from __future__ import annotations

import decimal
import functools
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from nbgraph.engine.forms.adapter import adapter
from nbgraph.engine.forms.keywords import COUNTS, FORMATS, LIMITS, OF_MANY

Rule = Callable[[Any, Any, Any, Any], Iterable[Any]]
"""(jsonschema's validator, the keyword's value, the value under it, the form around it) -> problems"""

_THEIRS = (COUNTS | OF_MANY | {"$ref", "type", "properties", "items"}) - {"oneOf"}


def rules(theirs: dict[str, Rule]) -> dict[str, Rule]:
    """Return the rule of each keyword that demands something; ``theirs`` are those of jsonschema."""
    ours = {"required": _required, "additionalProperties": _additional, "propertyNames": _names}
    demands: dict[str, Callable[[Any, Any, Any], bool]] = {
        "const": lambda option, value, _: _same(option, value),
        "enum": lambda options, value, _: any(_same(option, value) for option in options),
        "format": _in_format,
        "multipleOf": _is_multiple,
        "uniqueItems": _is_unique,
        **{name: functools.partial(_within, holds) for name, (holds, _) in LIMITS.items()},
    }
    one_of = {"oneOf": theirs["anyOf"]}  # options of a type may overlap
    return {name: theirs[name] for name in _THEIRS} | one_of | ours | {name: _rule(x) for name, x in demands.items()}


def is_integer(_checker: Any, value: Any) -> bool:
    """Return whether a value is a whole number: True and 1.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _problem(*path: str) -> Any:
    from jsonschema import ValidationError  # type: ignore[import-untyped] # noqa: PLC0415 - slow; most runs ask nothing

    return ValidationError("", path=path)  # its words are made from the form, in ``problems``


def _rule(holds: Callable[[Any, Any, Any], bool]) -> Rule:
    """Return the rule that a demand on a whole value is: (the keyword's value, the value, the form around) -> holds."""
    return lambda _checker, wanted, value, form: () if holds(wanted, value, form) else [_problem()]


def _same(option: Any, value: Any) -> bool:
    alike = type(option) is type(value) or (type(option) is float and type(value) is int)
    return alike and bool(option == value)


def _in_format(name: Any, value: Any, _form: Any) -> bool:
    if not isinstance(value, str) or name not in FORMATS:
        return True
    try:
        adapter(FORMATS[name][0]).validate_json(json.dumps(value), strict=True)
    except ValueError:
        return False
    return True


def _is_unique(wanted: Any, value: Any, _form: Any) -> bool:
    if not wanted or not isinstance(value, list):
        return True
    return len({json.dumps(one, sort_keys=True) for one in value}) == len(value)


def _within(holds: Callable[[Any, Any], bool], limit: Any, value: Any, form: Any) -> bool:
    number = _number(value, form)
    return number is None or holds(number, limit)


def _is_multiple(unit: Any, value: Any, form: Any) -> bool:
    number = _number(value, form)
    if number is None:
        return True
    if isinstance(number, int) and isinstance(unit, int):
        return number % unit == 0
    return _nearly_multiple(number, unit)


def _nearly_multiple(number: Any, unit: Any) -> bool:
    """Return whether it is as near as pydantic wants it."""
    try:
        rest, slack = math.fmod(abs(number), unit), abs(float(number)) / 1e9
    except (OverflowError, ValueError):  # beyond floats: the type decides, when the answer is built
        return True
    return bool(rest <= slack or unit - rest <= slack)


def _number(value: Any, form: Any) -> Any:
    """Return a number, also from a decimal's text; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return _decimal(value) if isinstance(value, str) and form.get("format") == "decimal" else None


def _decimal(text: str) -> decimal.Decimal | None:
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return None
    return number if number.is_finite() else None


def _required(checker: Any, wanted: Any, value: Any, _form: Any) -> Iterable[Any]:
    if checker.is_type(value, "object"):
        yield from (_problem(name) for name in wanted if name not in value)


def _additional(checker: Any, wanted: Any, value: Any, form: Any) -> Iterable[Any]:
    if checker.is_type(value, "object"):
        for name in value.keys() - form.get("properties", {}).keys():
            yield from [_problem(name)] if wanted is False else checker.descend(value[name], wanted, path=name)


def _names(checker: Any, wanted: Any, value: Any, _form: Any) -> Iterable[Any]:
    for name in value if checker.is_type(value, "object") else ():
        errors = list(checker.descend(name, wanted, path=name))
        if errors and re.fullmatch(r"-?[0-9]{1,18}", name):  # JSON's names are texts, those of an IntEnum are not
            errors = list(checker.descend(int(name), wanted, path=name))
        yield from errors
