"""Lists, tuples, dicts and sets.

Owns their tags. Sets and keys are ordered by their text, never by hash: equal values give equal bytes
under every hash seed. A dict's order of insertion is not part of its value, and is not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.codec.frozen import FrozenDict, FrozenList, FrozenSet
from nbgraph.codec.scalars import SURROGATE
from nbgraph.codec.text import to_text
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Handler, Writer


def _write_list(writer: Writer, value: Any) -> list[Node]:
    nodes = []
    for index, item in enumerate(value):
        nodes.append(writer.child(value, index, item))
    return nodes


def _write_dict(writer: Writer, value: dict[Any, Any]) -> Node:
    if all(map(_is_plain_key, value)):
        nodes = {}
        # In the text's order already: a copy made from this tree must not differ from one made from the text.
        for key in sorted(value):
            nodes[key] = writer.child(value, key, value[key], named=True)
        return nodes
    pairs = []
    for key, item in value.items():
        pairs.append([_unhooked(writer, value, key), writer.child(value, key, item, named=True)])
    pairs.sort(key=_first_text)
    return {"$dict": pairs}


def _is_plain_key(key: Any) -> bool:
    return type(key) is str and key[:1] != "$" and (key.isascii() or not SURROGATE.search(key))


def _first_text(pair: list[Node]) -> str:
    return to_text(pair[0])


def _unhooked(writer: Writer, holder: Any, key: Any) -> Node:
    """Write a key: a hook hides values; a hidden key would make two entries one."""
    hook, writer.hook = writer.hook, None
    node = writer.child(holder, key, key)
    writer.hook = hook
    return node


def _write_set(writer: Writer, value: Any) -> list[Node]:
    nodes = []
    for item in value:
        nodes.append(writer.child(value, "{}", item))  # noqa: PERF401 - a comprehension is a frame per level
    nodes.sort(key=to_text)
    return nodes


def _read_dict(reader: Reader, node: dict[str, Node]) -> dict[Any, Any]:
    values = {}
    for pair in node["$dict"]:
        key, item = reader.items(pair)
        values[key] = item
    if len(values) != len(node["$dict"]):
        raise CodecError("a dict has one key twice")
    return reader.mapping(values)


WRITERS: dict[type, Handler] = {
    list: _write_list,
    FrozenList: _write_list,
    tuple: lambda writer, value: {"$tuple": _write_list(writer, value)},
    dict: _write_dict,
    FrozenDict: _write_dict,
    set: lambda writer, value: {"$set": _write_set(writer, value)},
    FrozenSet: lambda writer, value: {"$set": _write_set(writer, value)},
    frozenset: lambda writer, value: {"$frozenset": _write_set(writer, value)},
}
READERS: dict[str, TagReader] = {
    "$tuple": lambda reader, node: tuple(reader.items(node["$tuple"])),
    "$dict": _read_dict,
    "$set": lambda reader, node: reader.unordered(reader.items(node["$set"])),
    "$frozenset": lambda reader, node: frozenset(reader.items(node["$frozenset"])),
}
