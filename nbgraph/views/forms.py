"""What a person fills in: a question's JSON Schema as a tree of fields.

Owns which control a part of a schema gets. Pure. A schema comes from a file and may say anything: what is not
understood becomes a field for JSON text, and the tree is bounded in depth and size. ``drafts`` reads what is filled in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
