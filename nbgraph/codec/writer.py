"""One walk from a value to a JSON tree: depth, path, redaction and blobs, but no type.

Owns the walk and how a refusal reads. What a type becomes is decided by the handler it is given.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from nbgraph.codec.known import Types, type_name
from nbgraph.codec.limits import BLOB_BYTES, MAX_DEPTH, Node
from nbgraph.codec.registry import REGISTRY
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbgraph.codec.redaction import Redaction

Handler: TypeAlias = "Callable[[Writer, Any], Node]"


class Live:
    """Carries an object through a tree that is never written: the live side of a redacted value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Writer:
    """Turns one value into a tree; use once. ``hidden`` says whether anything was redacted.

    ``known``: refuse classes that could not be rebuilt from it (``None``: write any). ``reveal``: build
    the live copy, with secrets in it, that must not become text.
    """

    def __init__(
        self,
        handler_of: Callable[[type], Handler | None],
        *,
        blobs: dict[str, bytes] | None = None,
        redact: Redaction | None = None,
        known: Types | None = None,
        reveal: bool = False,
    ) -> None:
        self.handler_of = handler_of
        self.blobs, self.redact, self.known, self.reveal = blobs, redact, known, reveal
        self.hook = redact.hook if redact is not None else None
        self.hidden = False
        # (container, step) from the root to the value in hand: depth, path and cycles are all read from it.
        self.trail: list[tuple[Any, Any]] = []

    def lower(self, value: Any) -> Node:
        """Return the tree of a whole value; raises ``CodecError`` with the path to what cannot be kept."""
        if self.hook is not None:
            value = self._hooked(self.hook, value)
        return self._handler(value)(self, value)

    def child(self, holder: Any, step: Any, value: Any, *, named: bool = False) -> Node:
        """Return the tree of a part of ``holder``; ``step`` is its key, index or field name.

        ``named``: the step is a name, and what stands under a secret's name is hidden.
        """
        # One frame here and one in the handler per level: MAX_DEPTH levels must fit into Python's stack.
        if named and self.redact is not None and value is not None and self.redact.covers(step):
            self.hidden = True
            return {"$redacted": f"key {step.lower()}"}
        trail = self.trail
        if len(trail) >= MAX_DEPTH:
            self._too_deep(holder)
        trail.append((holder, step))
        if self.hook is not None:
            value = self._hooked(self.hook, value)
        node = value if type(value) is str and value.isascii() else self._handler(value)(self, value)
        trail.pop()
        return node

    def _handler(self, value: Any) -> Handler:
        handler = self.handler_of(type(value))
        if handler is None:
            self.refuse(value)
        return handler

    def payload(self, raw: bytes) -> Node:
        """Return the tree of bytes: base64, or a reference where they are large and blobs are kept."""
        if self.blobs is None or len(raw) < BLOB_BYTES:
            return {"$bytes": b64encode(raw).decode("ascii")}
        digest = sha256(raw).hexdigest()
        self.blobs[digest] = raw
        return {"$blob": digest}

    def require(self, cls: type) -> str:
        """Return the name of a class to be rebuilt; refuse it where it could not be rebuilt by that name."""
        if self.known is not None and cls not in self.known and cls not in REGISTRY.types:
            self.fail(
                f"holds a {cls.__qualname__}, which is not part of the state's schema",
                f"name it in a field's type, or call ng.register_codec({cls.__name__})",
                cls.__qualname__,
            )
        return type_name(cls)

    def refuse(self, value: Any, todo: str = "") -> NoReturn:
        """Raise: a value of this type is not kept."""
        name = type(value).__qualname__
        self.fail(
            f"holds a {name}, which cannot be kept exactly",
            todo or "return plain data, or teach nbgraph the type with ng.register_codec",
            name,
        )

    def fail(self, what: str, todo: str, actual: str) -> NoReturn:
        """Raise ``CodecError`` for the value in hand."""
        path = path_text([step for _, step in self.trail])
        raise CodecError(f"{path} {what}", still="nothing of it was kept", todo=todo, path=path, actual=actual)

    def _hooked(self, hook: Callable[[str, Any], Any], value: Any) -> Any:
        shown = hook(path_text([step for _, step in self.trail]), value)
        self.hidden = self.hidden or shown is not value
        return shown

    def _too_deep(self, holder: Any) -> NoReturn:
        holders = [id(one) for one, _ in self.trail] + [id(holder)]
        first = {identity: place for place, identity in reversed(list(enumerate(holders)))}
        # A cycle is told by its first turn: two hundred steps around it would tell nobody more.
        for place, identity in enumerate(holders):
            if first[identity] != place:
                del self.trail[place:]
                self.fail(
                    "contains itself",
                    "keep trees: refer to the parent by a name or an index",
                    type(holder).__qualname__,
                )
        del self.trail[8:]
        self.fail(
            f"goes on for more than {MAX_DEPTH} levels",
            "keep it flatter, such as a list of nodes with the index of their parent",
            type(holder).__qualname__,
        )


def path_text(steps: list[Any]) -> str:
    """Return where a value is, for people.

    >>> path_text(["items", 3, "my key"])
    "$.items[3]['my key']"
    """
    parts = ["$"]
    for step in steps:
        if isinstance(step, str) and step.isidentifier():
            parts.append("." + step)
        else:
            parts.append(f"[{ascii(step)[:80]}]")
    return "".join(parts)
