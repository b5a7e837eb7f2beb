"""What a question's answer must look like: a type as data, and an answer against either.

Owns forms: the JSON Schema of a type (``describe``), a person's answer as JSON data (``plain``), whether it fits
(``check``: from the data alone, also in a kernel without the type), the answer as the node gets it (``build``), a
form in words (``hint``). Knows nothing of runs, stores or who asks.

A form read from a file may be anything. Only keywords named here are read from it; ``pattern`` is shown and never run
(``build`` enforces it, from the node's own type), no reference leads out of the form, and work is bounded.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import json
import math
import operator
import re
import sys
import types
import typing
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbgraph.errors import AnswerError, QuestionError

MAX_LEVELS = 100
"""Levels of lists and objects inside an answer; deeper is refused."""

_WORK, _WORK_PER_CHARACTER, _WORK_PER_KEYWORD = 400_000, 500, 20  # far more than a form of a type needs
_SHOWN, _HINT = 60, 300  # characters of one value, of a hint
_NAMED, _LEVELS_TOLD = 8, 4  # options, fields or items that a hint names; levels that it goes down

_OF_MANY = frozenset(["anyOf", "oneOf", "allOf", "prefixItems"])
_OF_ONE = frozenset(["items", "additionalProperties", "propertyNames"])
_LIMITS = {
    "minimum": (operator.ge, "from"),
    "exclusiveMinimum": (operator.gt, "above"),
    "maximum": (operator.le, "to"),
    "exclusiveMaximum": (operator.lt, "below"),
}
_COUNTS = frozenset(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"])
_KEPT = {"$ref", "type", "const", "enum", "format", "pattern", "properties", "required", "multipleOf", "uniqueItems"}
_KEPT |= _OF_MANY | _OF_ONE | _LIMITS.keys() | _COUNTS

_FORMATS: dict[str, tuple[type, str]] = {
    "date": (dt.date, "a date (2024-12-31)"),
    "date-time": (dt.datetime, "a date and time (2024-12-31T18:30:00)"),
    "time": (dt.time, "a time (18:30:00)"),
    "duration": (dt.timedelta, "a duration (P1DT2H)"),
    "uuid": (uuid.UUID, "a UUID"),
    "decimal": (decimal.Decimal, "a number"),
}
_TYPES = {
    "boolean": "yes or no (true/false)",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing (null)",
}


def describe(schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type: small, sorted, without module names; ``{}`` (anything) for None and Any.

    Raises ``QuestionError`` for a type whose values JSON cannot give back, and for secrets: answers are kept in a file.

    >>> describe(list[int])
    {'items': {'type': 'integer'}, 'type': 'array'}
    """
    if schema is None or schema is Any:
        return {}
    try:
        form = _adapter(schema).json_schema(schema_generator=_generator())
        text = json.dumps(_Reader(form).form(), allow_nan=False, sort_keys=True)
    except QuestionError:
        raise
    except Exception as error:
        raise _unaskable(schema, _why(error)) from error
    if '"format": "password"' in text:
        raise _unaskable(schema, "an answer is kept in the store's file, and a secret must not be")
    return typing.cast("dict[str, Any]", json.loads(text))


def plain(value: Any) -> Any:
    """Return an answer as JSON data: a dataclass, model, Enum member, datetime, tuple, numpy number...

    Raises ``AnswerError`` for what JSON cannot hold: other objects, NaN and infinities, bytes that are no UTF-8 text.

    >>> plain({"when": dt.date(2024, 12, 31), "of": (1, 2)})
    {'when': '2024-12-31', 'of': [1, 2]}
    """
    import pydantic_core  # noqa: PLC0415 - most runs ask nothing

    if hasattr(value, "get_secret_value"):
        raise _unkept(value, "a secret is not kept")
    try:
        found = pydantic_core.to_jsonable_python(value, round_trip=True, fallback=_listed)
    except Exception as error:  # a model's own serializer may raise anything
        raise _unkept(value, str(error)) from error
    return json.loads(_text(found))


def check(description: dict[str, Any], value: Any) -> None:
    """Return if JSON data fits a form; True is no number, 1 is neither yes nor 1.0 a whole number.

    Raises ``AnswerError`` about the first problem in the order of paths, with ``path``, ``expected`` and ``actual`` in
    words; ``QuestionError`` if the description itself cannot be used.

    >>> check({"type": "boolean"}, "yes")
    Traceback (most recent call last):
    nbgraph.errors.AnswerError: the answer should be yes or no (true/false), but is "yes"
      Next: answer with yes or no (true/false)
    """
    text = _text(value)
    value = json.loads(text)
    try:
        form = _Reader(description).form()
        errors = list(_validator(form, _WORK + _WORK_PER_CHARACTER * len(text)).iter_errors(value))
        problem = _explained(errors, form) if errors else None
    except Exception as error:  # a description from a file may break its reader in any way
        raise QuestionError(
            f"the form of the question's answer cannot be used: {_cut(str(error), _HINT)}",
            todo="ask again, from the node's code",
        ) from error
    if problem is not None:
        raise _refused(*problem, todo=f"answer with {_form_text(form)}")


def build(schema: Any, value: Any) -> Any:
    """Return JSON data as an instance of the type; None and Any take it as it is.

    Raises ``AnswerError`` if it does not fit: the type in the code has changed since, or has rules that no form tells.

    >>> build(tuple[int, ...], [1, 2])
    (1, 2)
    """
    if schema is None or schema is Any:
        return value
    check(describe(schema), value)
    todo = "answer the question again, or give it the type back that it was asked with"
    try:
        return _adapter(schema).validate_json(json.dumps(value), strict=True)
    except Exception as error:
        if not hasattr(error, "errors"):  # a type's own __post_init__ may raise anything
            raise _refused((), repr(error), "refused by the type itself", todo) from error
        first = error.errors(include_url=False)[0]
        path, at = _steps(first["loc"], value)
        says = first["msg"]
        short = says.removeprefix("Input should be ")
        raise _refused(path, short if short != says else f"as its type wants it ({says})", _shown(at), todo) from error


def hint(description: dict[str, Any]) -> str:
    """Return a form in a few words for people; never raises, whatever a file says.

    >>> hint({"type": "integer", "minimum": 0}), hint({"enum": ["a", "b"]})
    ('a whole number from 0', 'one of "a", "b"')
    """
    try:
        return _form_text(_Reader(description).form())
    except Exception:  # noqa: BLE001 - a list of questions shows its other rows
        return "an answer whose form cannot be read"


# Types -----------------------------------------------------------------------------------------------------------


def _adapter(schema: Any) -> Any:
    import pydantic  # noqa: PLC0415 - 100 ms; most runs ask nothing

    return pydantic.TypeAdapter(schema if sys.version_info >= (3, 12) else _modern(schema))


def _modern(annotation: Any) -> Any:
    """Return the annotation with pydantic's kind of TypedDict: before Python 3.12 it refuses the one of ``typing``."""
    if type(annotation).__module__ == "typing" and hasattr(annotation, "__required_keys__"):
        import typing_extensions  # noqa: PLC0415 - comes with pydantic

        fields = {name: _modern(hint) for name, hint in typing.get_type_hints(annotation, include_extras=True).items()}
        for name, one in fields.items():
            wrapper = typing.Required if name in annotation.__required_keys__ else typing.NotRequired
            said = typing.get_origin(one) in (typing.Required, typing.NotRequired)
            fields[name] = one if said else wrapper[one]
        return typing_extensions.TypedDict(annotation.__name__, fields)  # type: ignore[operator] # a type made here
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None or origin is typing.Literal:
        return annotation
    if origin is typing.Annotated:
        return typing.Annotated[(_modern(args[0]), *args[1:])]
    found = tuple(map(_modern, args))
    if all(map(operator.is_, found, args)):
        return annotation
    return functools.reduce(operator.or_, found) if origin in (typing.Union, types.UnionType) else origin[found]


def _why(error: Exception) -> str:
    """Return in a line why pydantic cannot describe a type."""
    if isinstance(error, RecursionError):
        return "it holds itself; before Python 3.12, write it with typing_extensions.TypedDict"
    known = type(error).__module__.startswith("pydantic")
    return str(error).split("\n\n")[0] if known else f"it is no type that pydantic knows ({error!r})"


@functools.cache
def _generator() -> Any:
    """Return pydantic's generator of JSON Schemas, changed where its result says less than the type."""
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - as above

    class Generator(GenerateJsonSchema):
        def decimal_schema(self, schema: Any) -> Any:
            number = super().decimal_schema(schema)["anyOf"][0]  # limits hold for a decimal's text as well
            return {**number, "type": ["number", "string"], "format": "decimal"}

        def enum_schema(self, schema: Any) -> Any:
            _require_scalars(schema["members"])
            return super().enum_schema(schema)

        def literal_schema(self, schema: Any) -> Any:
            _require_scalars(schema["expected"])
            return super().literal_schema(schema)

        def render_warning_message(self, kind: Any, detail: str) -> None:
            """Say nothing: what is left out (a default without JSON) is no part of a form."""

    return Generator


def _require_scalars(options: Iterable[Any]) -> None:
    for option in options:
        value = option.value if isinstance(option, enum.Enum) else option
        if value is not None and not isinstance(value, (str, int, float)):
            raise _unaskable(type(option), f"JSON does not give back its option {option!r}")


class _Reader:
    """One reading of a JSON Schema: the keywords known here, sorted; definitions under short names."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root: dict[str, Any] = root
        self.names: dict[str, str] = {}
        self.waiting: deque[str] = deque()

    def form(self) -> dict[str, Any]:
        form, found = self.read(self.root), {}
        while self.waiting:
            name = self.waiting.popleft()
            found[self.names[name]] = self.read(self.root["$defs"][name])
        return {"$defs": dict(sorted(found.items())), **form} if found else form

    def read(self, schema: Any) -> Any:
        if isinstance(schema, bool):
            return schema
        said = {key: value for key, value in schema.items() if key not in _LIMITS or isinstance(value, (int, float))}
        form = {key: self.keyword(key, said[key]) for key in sorted(said.keys() & _KEPT)}  # dates may be limits, too
        if "patternProperties" in schema:  # a dict whose keys have a pattern
            form["additionalProperties"] = self.read(next(iter(schema["patternProperties"].values())))
        if "properties" in form:
            form.setdefault("additionalProperties", False)  # a misspelled name is no answer
        return form

    def keyword(self, key: str, value: Any) -> Any:
        if key == "$ref":
            return f"#/$defs/{self.name(value)}"
        if key == "properties":
            return {name: self.read(one) for name, one in sorted(value.items())}
        if key in _OF_MANY:
            return [self.read(one) for one in value]
        return self.read(value) if key in _OF_ONE else value

    def name(self, ref: str) -> str:
        """Return the short name that a reference's target gets here."""
        key = ref.removeprefix("#/$defs/")
        if key == ref or key not in self.root.get("$defs", {}):
            raise ValueError(f"{_cut(ref, _SHOWN)!r} is no definition of this form")
        if key not in self.names:
            title = re.sub(r"\W+", "_", str(self.root["$defs"][key].get("title", key))).strip("_") or "Part"
            taken = set(self.names.values())
            self.names[key] = title if title not in taken else f"{title}_{len(taken) + 1}"
            self.waiting.append(key)
        return self.names[key]


# Checking --------------------------------------------------------------------------------------------------------


def _validator(form: dict[str, Any], work: int) -> Any:
    """Return jsonschema's validator of the keywords here, which stops with ``ValueError`` after that much work."""
    import jsonschema.validators  # type: ignore[import-untyped] # noqa: PLC0415 - slow; most runs ask nothing
    import referencing  # noqa: PLC0415 - as above

    standard = jsonschema.Draft202012Validator
    taken = _COUNTS | _OF_MANY | {"$ref", "type", "properties", "items"}
    own: dict[str, Any] = {
        "const": _const,
        "enum": _enum,
        "format": _format,
        "required": _required,
        "uniqueItems": _unique,
    }
    own |= {"additionalProperties": _additional, "propertyNames": _names, "multipleOf": _multiple}
    own |= {name: functools.partial(_limit, holds) for name, (holds, _) in _LIMITS.items()}
    keywords = {name: standard.VALIDATORS[name] for name in taken} | own | {"oneOf": standard.VALIDATORS["anyOf"]}
    left = [work]
    cls = jsonschema.validators.create(
        meta_schema={},
        validators={name: functools.partial(_metered, left, check) for name, check in keywords.items()},
        type_checker=standard.TYPE_CHECKER.redefine("integer", _is_integer),
    )
    return cls(form, registry=referencing.Registry())  # the default one would fetch what a reference names


def _metered(left: list[int], keyword: Callable[..., Any], checker: Any, wanted: Any, value: Any, schema: Any) -> Any:
    left[0] -= _WORK_PER_KEYWORD + (len(wanted) if isinstance(wanted, (list, dict)) else 0)
    if left[0] < 0:
        raise ValueError("it takes too much work to check")
    return keyword(checker, wanted, value, schema) or ()


def _problem(*path: str) -> Any:
    from jsonschema import ValidationError  # noqa: PLC0415 - as above

    return ValidationError("", path=path)  # the words are made from the form, see _explained


def _is_integer(_checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _const(_checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if not _same(wanted, value):
        yield _problem()


def _enum(_checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if not any(_same(one, value) for one in wanted):
        yield _problem()


def _same(option: Any, value: Any) -> bool:
    alike = type(option) is type(value) or (type(option) is float and type(value) is int)
    return alike and bool(option == value)


def _format(_checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(value, str) and wanted in _FORMATS:
        try:
            _adapter(_FORMATS[wanted][0]).validate_json(json.dumps(value), strict=True)
        except ValueError:
            yield _problem()


def _required(checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if checker.is_type(value, "object"):
        yield from (_problem(name) for name in wanted if name not in value)


def _unique(_checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if wanted and isinstance(value, list) and len({json.dumps(one, sort_keys=True) for one in value}) < len(value):
        yield _problem()


def _additional(checker: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    if checker.is_type(value, "object"):
        for name in value.keys() - schema.get("properties", {}).keys():
            yield from [_problem(name)] if wanted is False else checker.descend(value[name], wanted, path=name)


def _names(checker: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    for name in value if checker.is_type(value, "object") else ():
        errors = list(checker.descend(name, wanted, path=name))
        if errors and re.fullmatch(r"-?[0-9]{1,18}", name):  # JSON's names are texts, those of an IntEnum are not
            errors = list(checker.descend(int(name), wanted, path=name))
        yield from errors


def _limit(holds: Callable[[Any, Any], bool], _checker: Any, limit: Any, value: Any, schema: Any) -> Iterator[Any]:
    number = _number(value, schema)
    if number is not None and not holds(number, limit):
        yield _problem()


def _multiple(_checker: Any, unit: Any, value: Any, schema: Any) -> Iterator[Any]:
    number = _number(value, schema)
    if number is None:
        return
    if isinstance(number, int) and isinstance(unit, int):
        fits = number % unit == 0
    else:  # as near as pydantic wants it
        try:
            rest, slack = math.fmod(abs(number), unit), abs(float(number)) / 1e9
        except (OverflowError, ValueError):  # beyond floats: the type decides, when the answer is built
            return
        fits = rest <= slack or unit - rest <= slack
    if not fits:
        yield _problem()


def _number(value: Any, schema: Any) -> Any:
    """Return a number, also from a decimal's text; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and schema.get("format") == "decimal":
        try:
            number = decimal.Decimal(value)
        except decimal.InvalidOperation:
            return None
        return number if number.is_finite() else None
    return None


def _text(value: Any) -> str:
    """Return JSON data as text; raises ``AnswerError`` for what is none, or nests too deep."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _unkept(value, str(error)) from error
    level, inside = 0, [value]
    while inside := [one for part in inside for one in _parts(part)]:
        level += 1
        if level > MAX_LEVELS:
            raise _unkept(value, f"it nests deeper than {MAX_LEVELS} levels")
    return text


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _listed(value: Any) -> Any:
    """Return numpy's numbers and arrays, and pandas' columns, as Python's."""
    if isinstance(value, type) or not hasattr(value, "tolist"):
        raise TypeError(f"JSON has nothing for a value of type {type(value).__qualname__}")
    return value.tolist()


# Problems --------------------------------------------------------------------------------------------------------


def _explained(errors: list[Any], form: dict[str, Any]) -> tuple[tuple[Any, ...], str, str]:
    """Return where the first problem is, what is expected there and what is there, in words."""
    error = min(errors, key=_place)
    schema, value, path = error.schema, error.instance, tuple(error.absolute_path)
    if error.validator == "required":
        return path, _words(schema.get("properties", {}).get(path[-1], True), form), "missing"
    if error.validator == "additionalProperties":
        asked = ", ".join(map(_name_text, _ordered(schema))) or "nothing"
        return path, f"left out (asked for: {_cut(asked, _HINT)})", _shown(value[path[-1]])
    if error.validator in ("anyOf", "oneOf") and (inner := _meant(error)):
        return _explained(inner, form)
    if "propertyNames" in error.absolute_schema_path:
        return path, f"named with {_words(schema, form)}", f"named {_shown(path[-1])}"
    twice = ", each once" if error.validator == "uniqueItems" else ""
    return path, _words(schema, form) + twice, _shown(value)


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


def _refused(path: tuple[Any, ...], expected: str, actual: str, todo: str) -> AnswerError:
    where = _path_text(path)
    return AnswerError(
        f"{f'{where} of the answer' if where else 'the answer'} should be {expected}, but is {actual}",
        todo=todo,
        path=where,
        expected=expected,
        actual=actual,
    )


def _path_text(path: tuple[Any, ...]) -> str:
    """Return a path as a person would write it: ``items[0].name``."""
    steps = [f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]" for step in path]
    return "".join(steps).removeprefix(".")


def _steps(loc: Iterable[Any], value: Any) -> tuple[tuple[Any, ...], Any]:
    """Return the steps of pydantic's location that lead into the value (the others name options), and what is there."""
    path: tuple[Any, ...] = ()
    for step in loc:
        within = isinstance(value, dict) and step in value
        if within or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            path, value = (*path, step), value[step]
    return path, value


def _unkept(value: Any, why: str) -> AnswerError:
    kind = type(value).__qualname__
    return AnswerError(
        f"the answer (of type {kind}) cannot be kept as JSON: {_cut(why, _HINT)}",
        todo="answer with what JSON has (texts, finite numbers, true and false, lists, dicts), or the question's type",
        path="",
        expected="JSON data",
        actual=kind,
    )


def _unaskable(schema: Any, why: str) -> QuestionError:
    name = getattr(schema, "__qualname__", None) or repr(schema)
    return QuestionError(
        f"nobody can be asked for a {name}: {_cut(why, _HINT)}",
        todo="ask for a type that JSON gives back, or for anything (schema=None), and make the value of it in the node",
        expected="a type with a JSON form",
        actual=name,
    )


# Words -----------------------------------------------------------------------------------------------------------


def _form_text(form: dict[str, Any]) -> str:
    return _cut(_words(form, form), _HINT)


def _words(schema: Any, form: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    """Return what fits a part of a form; ``above`` are the names of the definitions that it stands in."""
    if schema is False:
        return "nothing at all"
    if schema is True:
        return "any value"
    if above.count("") > _LEVELS_TOLD or len(above) > 3 * _LEVELS_TOLD:
        return "..."
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return f"another {name}" if name in above else _words(form["$defs"][name], form, (*above, name))
    if "const" in schema or "enum" in schema:
        return _options_text(schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            options = [_words(one, form, (*above, "")) for one in schema[key][:_NAMED]]
            return _cut((" and " if key == "allOf" else " or ").join(options), _HINT)
    return _cut(_type_text(schema, form, (*above, "")), _HINT)


def _type_text(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    kind = schema.get("type")
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]][1] + _range(schema)
    if kind == "string":
        like = f" matching {_shown(schema['pattern'])}" if "pattern" in schema else ""
        return f"a text{_count(schema, 'Length', 'character')}{like}"
    if kind == "array":
        return _list_text(schema, form, above)
    if kind == "object":
        return _object_text(schema, form, above)
    return _TYPES[kind] + _range(schema) if kind in _TYPES else "any value"


def _list_text(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    if "prefixItems" in schema:
        items = [_words(one, form, above) for one in schema["prefixItems"][:_NAMED]]
        many = len(schema["prefixItems"])
        return f"a list of {many} item{'s' * (many != 1)}: {', then '.join(items)}"
    each = f", each {_words(schema['items'], form, above)}" if schema.get("items", True) not in (True, {}) else ""
    return f"a list{_count(schema, 'Items', 'item') or ' of items'}{each}"


def _object_text(schema: Any, form: dict[str, Any], above: tuple[str, ...]) -> str:
    fields, required = schema.get("properties", {}), schema.get("required", [])
    if not fields:
        each = schema.get("additionalProperties", True)
        return "an object" + (f", each value {_words(each, form, above)}" if each not in (True, False, {}) else "")
    told = []
    for name in _ordered(schema)[:_NAMED]:
        words = re.sub(r"^an? ", "", _words(fields[name], form, above))
        told.append(f"{_name_text(name)} ({words}{'' if name in required else ', optional'})")
    return f"an object with {', '.join(told)}{_more(fields)}"


def _ordered(schema: Any) -> list[str]:
    """Return the names of an object's fields: those required in their order, then the others by name."""
    fields, required = schema.get("properties", {}), schema.get("required", [])
    return [name for name in required if name in fields] + sorted(fields.keys() - set(required))


def _name_text(name: str) -> str:
    return _cut(name, _SHOWN) if name.isprintable() else _shown(name)


def _options_text(options: list[Any]) -> str:
    told = ", ".join(_shown(one) for one in options[:_NAMED]) + _more(options)
    return told if len(options) == 1 else f"one of {told}"


def _more(told: Any) -> str:
    return f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""


def _range(schema: Any) -> str:
    told = [f"{word} {_shown(schema[key]).removesuffix('.0')}" for key, (_, word) in _LIMITS.items() if key in schema]
    if told and told[-1].startswith("to "):
        told = [" ".join(told)] if told[0].startswith("from ") else [*told[:-1], f"up {told[-1]}"]
    many = [f"a multiple of {_shown(schema['multipleOf'])}"] if "multipleOf" in schema else []
    return f"{' ' if told else ', ' if many else ''}{', '.join(told + many)}"


def _count(schema: Any, what: str, unit: str) -> str:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    if most is None:
        return f" of at least {least} {unit}{'s' * (least != 1)}" if least else ""
    amount = str(most) if least == most else f"{least} to {most}" if least else f"at most {most}"
    return f" of {amount} {unit}{'s' * (most != 1)}"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {_cut(', '.join(map(str, value)), _SHOWN)}" if value else "an empty object"
    return _cut(json.dumps(value, ensure_ascii=False), _SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
