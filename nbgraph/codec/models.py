"""Pydantic models and pydantic's secrets.

Owns their tags. Imports nothing of pydantic: a model's class comes from whoever reads, and its four
instance slots are set as its own ``__setstate__`` does, so that no validator runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.codec.known import is_model
from nbgraph.codec.objects import stray_attributes
from nbgraph.codec.record import Record
from nbgraph.codec.writer import Live, Writer

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader


def write_model(writer: Writer, value: Any) -> Node:
    """Write fields, which of them were set, extras and private attributes."""
    cls = type(value)
    fields = cls.__pydantic_fields__
    if stray := stray_attributes(value, fields):
        writer.refuse(value, f"declare its attribute {stray[0]!r} as a field, or use ng.register_codec")
    state = value.__dict__
    node: dict[str, Node] = {
        "$model": writer.require(cls),
        "fields": _entries(writer, value, {name: state[name] for name in fields if name in state}),
        "set": sorted(value.__pydantic_fields_set__),
    }
    if value.__pydantic_extra__ is not None:
        node["extra"] = _entries(writer, value, value.__pydantic_extra__)
    if value.__pydantic_private__ is not None:
        node["private"] = _entries(writer, value, value.__pydantic_private__)
    return node


def _entries(writer: Writer, holder: Any, values: dict[str, Any]) -> dict[str, Node]:
    nodes = {}
    for name, value in sorted(values.items()):
        nodes[name] = writer.child(holder, name, value, named=True)
    return nodes


def _read_model(reader: Reader, node: dict[str, Node]) -> Any:
    cls: Any = reader.find(node["$model"])
    parts: dict[str, Any] = {part: reader.fields(node[part]) for part in ("fields", "extra", "private") if part in node}
    was_set = [name for name in node["set"] if isinstance(name, str)]
    fields = _completed(cls, parts["fields"]) if cls is not None and is_model(cls) else None
    if fields is None:
        shown = {**parts.get("extra", {}), **parts["fields"]}
        body: dict[str, Any] = {**parts, "set": reader.sequence(was_set)}
        return Record("model", node["$model"], shown, body)
    value = cls.__new__(cls)
    put = object.__setattr__
    put(value, "__dict__", fields)
    put(value, "__pydantic_fields_set__", set(was_set))
    put(value, "__pydantic_extra__", parts.get("extra"))
    put(value, "__pydantic_private__", parts.get("private"))
    return value


def _completed(cls: Any, fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return a value for every field of today's model, or ``None`` if it has moved on too far."""
    declared = cls.__pydantic_fields__
    if not fields.keys() <= declared.keys():
        return None
    if any(field.is_required() for name, field in declared.items() if name not in fields):
        return None
    return {
        name: fields[name] if name in fields else field.get_default(call_default_factory=True)
        for name, field in declared.items()
    }


def write_secret(writer: Writer, value: Any) -> Node:
    """Write that there was a secret, and nothing of it; the live copy is the very object, which never changes."""
    if writer.reveal:
        return Live(value)
    writer.hidden = True
    return {"$redacted": type(value).__name__}


READERS: dict[str, TagReader] = {"$model": _read_model}
