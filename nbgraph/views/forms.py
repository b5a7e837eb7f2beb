"""What a person fills in: a question's JSON Schema as a tree of fields, and what was filled in as JSON data.

Owns which control a part of a schema gets, and how a *draft* (what the controls hold) is read. Pure. It does not judge:
what does not fit goes on as it was typed, and the engine says what is wrong with it. A schema comes from a file and may
say anything: what is not understood becomes a field for JSON text, and the tree is bounded in depth and size.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Field = dict[str, Any]
"""One control, JSON-able: ``kind`` and what it needs; ``nullable`` where "nothing" is an answer too.

Kinds: "bool", "choice", "text", "integer", "number", "list", "tuple", "record", "map", "union", "fixed", "json".
"""

_DEPTH, _FIELDS, _OPTIONS = 6, 400, 1000
"""Levels, controls and options of a choice; what is beyond them is written as JSON."""
_SHORT = 80
"""Characters up to which a text has one line."""
_LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
_JSON: Field = {"kind": "json"}
_WHOLE = re.compile(r"[+-]?\d{1,4000}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\]])*)\]")


class UnreadableError(ValueError):
    """A JSON text that is none: ``steps`` lead to its field, the message says what is wrong."""

    def __init__(self, steps: Sequence[Any], message: str) -> None:
        super().__init__(steps, message)
        self.steps, self.message = list(steps), message


# -- a schema as fields


def form_of(schema: Any) -> Field:
    """Return the fields that ask for what a JSON Schema describes; never raises.

    >>> form_of({"type": "boolean"}), form_of({"enum": ["a", "b"]})["options"]
    ({'kind': 'bool'}, ['a', 'b'])
    """
    return _Reader(schema).field(schema, 0)


class _Reader:
    """One reading of a schema; counts its fields."""

    def __init__(self, root: Any) -> None:
        defs = root.get("$defs") if isinstance(root, Mapping) else None
        self._defs: Mapping[str, Any] = defs if isinstance(defs, Mapping) else {}
        self._left = _FIELDS

    def field(self, schema: Any, depth: int) -> Field:
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > _DEPTH or self._left < 0:
            return dict(_JSON)
        try:
            return self._known(schema, depth)
        except (TypeError, ValueError, AttributeError, KeyError):  # a file's schema may say anything
            return dict(_JSON)

    def _known(self, schema: Mapping[str, Any], depth: int) -> Field:
        if "$ref" in schema:
            return self.field(self._defs[schema["$ref"].removeprefix("#/$defs/")], depth + 1)
        if "const" in schema:
            return {"kind": "fixed", "value": schema["const"], "text": _text(schema["const"])}
        if "enum" in schema:
            return _choice(list(schema["enum"]))
        if "anyOf" in schema or "oneOf" in schema:
            return self._union(list(schema.get("anyOf") or schema["oneOf"]), depth)
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.field(schema["allOf"][0], depth + 1)
        return self._of_type(schema, depth)

    def _of_type(self, schema: Mapping[str, Any], depth: int) -> Field:
        kind = schema.get("type")
        if schema.get("format") == "decimal":
            return {"kind": "text", "format": "decimal", **_limits(schema)}
        if isinstance(kind, list):
            return self._union([{**schema, "type": one} for one in kind], depth)
        makers: Mapping[Any, Callable[[Mapping[str, Any], int], Field]] = {
            "boolean": lambda *_: {"kind": "bool"},
            "null": lambda *_: {"kind": "fixed", "value": None, "text": "nothing"},
            "string": lambda *_: _string(schema),
            "integer": lambda *_: {"kind": "integer", **_limits(schema)},
            "number": lambda *_: {"kind": "number", **_limits(schema)},
            "array": self._list,
            "object": self._record,
        }
        return makers[kind](schema, depth)

    def _list(self, schema: Mapping[str, Any], depth: int) -> Field:
        if "prefixItems" in schema:
            return {"kind": "tuple", "items": [self.field(one, depth + 1) for one in schema["prefixItems"]]}
        return {"kind": "list", "item": self.field(schema.get("items"), depth + 1), **_limits(schema)}

    def _record(self, schema: Mapping[str, Any], depth: int) -> Field:
        fields = schema.get("properties")
        if not fields:
            return {"kind": "map", "item": self.field(schema.get("additionalProperties"), depth + 1)}
        needed = list(schema.get("required", ()))
        names = [name for name in needed if name in fields] + sorted(fields.keys() - set(needed))
        return {
            "kind": "record",
            "fields": [
                {"name": name, "needed": name in needed, "form": self.field(fields[name], depth + 1)} for name in names
            ],
        }

    def _union(self, schemas: list[Any], depth: int) -> Field:
        nullable = {"type": "null"} in schemas
        rest = [schema for schema in schemas if schema != {"type": "null"}]
        if len(rest) == 1:
            return {**self.field(rest[0], depth + 1), "nullable": True}
        options = [{"label": self._label(one), "form": self.field(one, depth + 1)} for one in rest]
        return {"kind": "union", "options": options, **({"nullable": True} if nullable else {})}

    def _label(self, schema: Any) -> str:
        if not isinstance(schema, Mapping):
            return "JSON"
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix("#/$defs/")
        if "enum" in schema or "const" in schema:
            return "one of a few"
        names = {
            "boolean": "yes or no",
            "string": "text",
            "integer": "whole number",
            "array": "list",
            "object": "fields",
        }
        kind = str(schema.get("type", "JSON"))
        return {"date-time": "date and time"}.get(str(schema.get("format")), "") or names.get(kind, kind)


def _choice(options: list[Any]) -> Field:
    if len(options) > _OPTIONS:
        return dict(_JSON)
    return {"kind": "choice", "options": [_text(one) for one in options], "values": options}


def _string(schema: Mapping[str, Any]) -> Field:
    most = schema.get("maxLength")
    format_ = schema.get("format", "")
    long = not format_ and "pattern" not in schema and (most is None or most > _SHORT)
    pattern = {"pattern": schema["pattern"]} if "pattern" in schema else {}
    return {"kind": "text", "long": long, "format": format_, **pattern, **_limits(schema)}


def _limits(schema: Mapping[str, Any]) -> Field:
    return {key: schema[key] for key in _LIMITS if isinstance(schema.get(key), (int, float))}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else json.dumps(value, ensure_ascii=False)


# -- a draft as JSON data

_ABSENT = object()
"""What an untouched control holds."""


def value_of(form: Field, draft: Any) -> Any:
    """Return what a draft says, as JSON data; None for what is not filled in.

    A choice is kept by its place, numbers as they were typed, JSON as text. What does not fit stays as it is, for the
    engine to refuse. Raises ``UnreadableError`` for a JSON text that is none.

    >>> value_of(form_of({"type": "integer"}), " 12 "), value_of(form_of({"type": "integer"}), "twelve")
    (12, 'twelve')
    """
    found = _read(form, draft, ())
    return None if found is _ABSENT else found


def _read(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    if form["kind"] == "fixed":
        return form["value"]
    if draft is None:
        return None if form.get("nullable") else _ABSENT
    reader = _READERS[form["kind"]]
    return reader(form, draft, steps)


def _read_bool(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    return draft


def _read_choice(form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    inside = isinstance(draft, int) and not isinstance(draft, bool) and 0 <= draft < len(form["values"])
    return form["values"][draft] if inside else _ABSENT


def _read_text(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    return draft


def _read_integer(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    return int(text) if _WHOLE.fullmatch(text) else text or _ABSENT


def _read_number(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    if _WHOLE.fullmatch(text):
        return _read_integer(form, text, steps)
    return float(text) if _NUMBER.fullmatch(text) else text or _ABSENT


def _read_list(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = draft if isinstance(draft, list) else []
    return [_present(_read(form["item"], row, (*steps, place))) for place, row in enumerate(rows)]


def _read_tuple(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = draft if isinstance(draft, list) else []
    pairs = zip(form["items"], [*rows, *[None] * len(form["items"])], strict=False)
    return [_present(_read(item, row, (*steps, place))) for place, (item, row) in enumerate(pairs)]


def _read_record(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    given, found = draft if isinstance(draft, dict) else {}, {}
    for field in form["fields"]:
        name, inner = field["name"], given.get(field["name"])
        # What may be left out and is, gets the type's own default: that may be another one than "nothing".
        value = _ABSENT if inner is None and not field["needed"] else _read(field["form"], inner, (*steps, name))
        if value is not _ABSENT:
            found[name] = value
    return found


def _read_map(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = [row for row in draft if isinstance(row, list) and len(row) == 2] if isinstance(draft, list) else []
    return {str(name): _present(_read(form["item"], inner, (*steps, str(name)))) for name, inner in rows}


def _read_union(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    option = draft.get("option") if isinstance(draft, dict) else None
    if not isinstance(option, int) or not 0 <= option < len(form["options"]):
        return _ABSENT
    return _read(form["options"][option]["form"], draft.get("draft"), steps)


def _read_json(_form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    if not text:
        return _ABSENT
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it nests too deep"
        raise UnreadableError(steps, f"this is no JSON: {said}{where}; texts stand in double quotes") from error


def _present(value: Any) -> Any:
    return None if value is _ABSENT else value


_READERS: Mapping[str, Callable[[Field, Any, tuple[Any, ...]], Any]] = {
    "bool": _read_bool,
    "choice": _read_choice,
    "text": _read_text,
    "integer": _read_integer,
    "number": _read_number,
    "list": _read_list,
    "tuple": _read_tuple,
    "record": _read_record,
    "map": _read_map,
    "union": _read_union,
    "json": _read_json,
}


def steps_of(path: str) -> list[Any]:
    """Return the steps of a path as an ``AnswerError`` writes it: names and places.

    >>> steps_of("items[0].name"), steps_of("['a b'][2]")
    (['items', 0, 'name'], ['a b', 2])
    """
    return [name or literal_eval(quoted) for name, quoted in _STEP.findall(path)]
