"""One walk from a JSON tree back to a value: depth, blobs and freezing, but no type.

Owns the walk. What a tag becomes is decided by the readers it is given, found by tag in a fixed table:
text selects a tag and never a name to import or to call.
"""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from nbgraph.codec.frozen import FrozenDict, FrozenList, FrozenSet
from nbgraph.codec.known import NO_TYPES, Types
from nbgraph.codec.limits import MAX_DEPTH, Node
from nbgraph.codec.registry import REGISTRY
from nbgraph.codec.writer import Live
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TagReader: TypeAlias = "Callable[[Reader, dict[str, Node]], Any]"
_ATOMS = frozenset({str, int, float, bool, type(None)})


class Reader:
    """Turns one tree into a value; use once. Raises anything at all on a malformed tree: wrap it."""

    def __init__(
        self,
        tags: Mapping[str, TagReader],
        *,
        types: Types = NO_TYPES,
        blob: Callable[[str], bytes] | None = None,
        frozen: bool = False,
    ) -> None:
        self.tags, self.types, self.blob = tags, types, blob
        self.depth = 0
        self.frozen = frozen

    def lift(self, node: Node) -> Any:
        """Return the value of a tree."""
        cls = type(node)
        if cls in _ATOMS:
            return node
        if self.depth > MAX_DEPTH:
            raise CodecError(f"the text goes on for more than {MAX_DEPTH} levels")
        self.depth += 1
        if cls is list:
            value: Any = self.items(node)
            value = FrozenList(value) if self.frozen else value
        elif cls is dict:
            read = self._tag_reader(node)
            value = self.mapping(self.fields(node)) if read is None else read(self, node)
        elif cls is Live:
            value = node.value
        else:
            raise CodecError(f"not a tree: {cls.__name__}")
        self.depth -= 1
        return value

    def items(self, nodes: Node) -> list[Any]:
        """Return the values of a list of trees, in a plain list."""
        if type(nodes) is not list:
            raise CodecError("a list was expected in the text")
        values = []
        for node in nodes:
            values.append(node if type(node) in _ATOMS else self.lift(node))  # noqa: PERF401 - a comprehension is a frame per level
        return values

    def fields(self, nodes: Node) -> dict[str, Any]:
        """Return the values of an object of trees, in a plain dict, whatever its keys are."""
        if type(nodes) is not dict:
            raise CodecError("an object was expected in the text")
        values = {}
        for name, node in nodes.items():
            values[name] = node if type(node) in _ATOMS else self.lift(node)
        return values

    def sequence(self, nodes: Node) -> list[Any]:
        """Return a list of values, frozen if that was asked for."""
        values = self.items(nodes)
        return FrozenList(values) if self.frozen else values

    def mapping(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """Return ``values``, frozen if that was asked for."""
        return FrozenDict(values) if self.frozen else values

    def unordered(self, values: list[Any]) -> set[Any]:
        """Return a set, frozen if that was asked for."""
        return FrozenSet(values) if self.frozen else set(values)

    def find(self, name: Node) -> type | None:
        """Return the class that was handed over under this name; never looks anywhere else."""
        return self.types.get(name) or REGISTRY.types.get(name)

    def payload(self, node: Node) -> bytes:
        """Return the bytes of ``Writer.payload``; a blob is checked against its digest."""
        if "$bytes" in node:
            return b64decode(node["$bytes"], validate=True)
        digest = node["$blob"]
        if self.blob is None:
            raise CodecError("the text refers to a blob, and no blobs were given", todo="pass blob= to decode()")
        raw = self.blob(digest)
        if sha256(raw).hexdigest() != digest:
            raise CodecError("a blob is not what its digest says")
        return bytes(raw)

    def _tag_reader(self, node: dict[str, Node]) -> TagReader | None:
        for key in node:
            if key[:1] == "$":
                read = self.tags.get(key)
                if read is None:
                    raise CodecError(f"the text has a tag that this version does not know: {ascii(key)[:80]}")
                return read
        return None
