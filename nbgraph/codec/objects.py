"""Dataclasses, NamedTuples, Enums, Records and registered types.

Owns their tags. They are rebuilt field by field, without ``__init__``: reading runs no code of theirs,
save ``from_plain`` of a registered type.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from typing import TYPE_CHECKING, Any

from nbgraph.codec.known import is_named_tuple
from nbgraph.codec.record import Record
from nbgraph.codec.registry import REGISTRY
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Writer


def stray_attributes(value: Any, names: Any) -> list[str]:
    """Return attributes of an instance that are no field: they would be lost. Cached properties may be."""
    cls = type(value)
    return [
        name
        for name in getattr(value, "__dict__", ())
        if name not in names and not isinstance(getattr(cls, name, None), functools.cached_property)
    ]


def write_dataclass(writer: Writer, value: Any) -> Node:
    """Write every field, ``init=False`` ones too."""
    cls = type(value)
    names = [field.name for field in dataclasses.fields(value)]
    nodes = {}
    for name in names:
        if not hasattr(value, name):
            writer.refuse(value, f"its field {name!r} was never set: give it a value")
        nodes[name] = writer.child(value, name, getattr(value, name), named=True)
    if stray := stray_attributes(value, names):
        writer.refuse(value, f"declare its attribute {stray[0]!r} as a field, or use ng.register_codec")
    return {"$dataclass": writer.require(cls), "fields": nodes}


def _read_dataclass(reader: Reader, node: dict[str, Node]) -> Any:
    cls, name, fields = reader.find(node["$dataclass"]), node["$dataclass"], reader.fields(node["fields"])
    complete = _completed(cls, fields) if cls is not None and dataclasses.is_dataclass(cls) else None
    if cls is None or complete is None:
        return Record("dataclass", name, fields)
    value: Any = object.__new__(cls)
    for field, part in complete.items():
        object.__setattr__(value, field, part)
    return value


def _completed(cls: Any, fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return a value for every field of today's class, or ``None`` if the class has moved on too far."""
    declared = {field.name: field for field in dataclasses.fields(cls)}
    if not fields.keys() <= declared.keys():
        return None
    complete = dict(fields)
    for name in declared.keys() - fields.keys():
        field = declared[name]
        if field.default is not dataclasses.MISSING:
            complete[name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            complete[name] = field.default_factory()
        else:
            return None
    return complete


def write_named_tuple(writer: Writer, value: Any) -> Node:
    """Write a NamedTuple's fields by name."""
    cls = type(value)
    if getattr(value, "__dict__", None) or len(cls._fields) != len(value):
        writer.refuse(value)
    nodes = {}
    for name, part in zip(cls._fields, value, strict=True):
        nodes[name] = writer.child(value, name, part, named=True)
    return {"$namedtuple": writer.require(cls), "fields": nodes}


def _read_named_tuple(reader: Reader, node: dict[str, Node]) -> Any:
    cls: Any = reader.find(node["$namedtuple"])
    fields = reader.fields(node["fields"])
    if cls is None or not is_named_tuple(cls) or set(cls._fields) != fields.keys():
        return Record("namedtuple", node["$namedtuple"], fields)
    return tuple.__new__(cls, [fields[name] for name in cls._fields])


def write_enum(writer: Writer, value: enum.Enum) -> Node:
    """Write a member by its name; a flag by its bits, since a combination has no name of its own."""
    cls = type(value)
    if isinstance(value, enum.Flag):
        return {"$flag": writer.require(cls), "value": value.value}
    return {"$enum": writer.require(cls), "name": writer.child(value, "name", value.name)}


def _read_enum(reader: Reader, node: dict[str, Node]) -> Any:
    cls: Any = reader.find(node["$enum"])
    name = reader.lift(node["name"])
    if cls is None or not issubclass(cls, enum.Enum) or name not in cls.__members__:
        return Record("enum", node["$enum"], {"name": name}, {"name": name})
    return cls.__members__[name]


def _read_flag(reader: Reader, node: dict[str, Node]) -> Any:
    cls: Any = reader.find(node["$flag"])
    bits = node["value"]
    if type(bits) is not int:
        raise CodecError("a flag's value is an integer")
    if cls is not None and issubclass(cls, enum.Flag):
        try:
            return cls(bits)
        except ValueError:
            pass  # today's class no longer has such a combination
    return Record("flag", node["$flag"], {"value": bits}, {"value": bits})


def write_registered(writer: Writer, value: Any) -> Node:
    """Write what the user's ``to_plain`` makes of it."""
    entry = REGISTRY.by_class[type(value)]
    return {"$type": entry.name, "plain": writer.child(value, "plain", entry.to_plain(value))}


def _read_registered(reader: Reader, node: dict[str, Node]) -> Any:
    entry = REGISTRY.by_name.get(node["$type"])
    # The user's function gets, and may keep, a mutable copy: what it makes is not frozen anyhow.
    was, reader.frozen = reader.frozen, reader.frozen and entry is None
    plain = reader.lift(node["plain"])
    reader.frozen = was
    if entry is None:
        return Record("type", node["$type"], {"plain": plain}, {"plain": plain})
    return entry.from_plain(plain)


def write_record(writer: Writer, value: Record) -> Node:
    """Write a Record as the text that it was read from."""
    kind, name, body = Record.__identity__(value)
    node: dict[str, Node] = {"$" + kind: name}
    for part, content in body.items():
        if part in ("fields", "extra", "private") and content is not None:
            node[part] = {field: writer.child(value, field, one, named=True) for field, one in content.items()}
        else:
            node[part] = writer.child(value, part, content)
    return node


READERS: dict[str, TagReader] = {
    "$dataclass": _read_dataclass,
    "$namedtuple": _read_named_tuple,
    "$enum": _read_enum,
    "$flag": _read_flag,
    "$type": _read_registered,
}
