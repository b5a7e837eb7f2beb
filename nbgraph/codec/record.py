"""Stand-ins for what cannot be rebuilt: a ``Record`` for an unknown class, ``Redacted`` for a secret.

Owns the two classes. Knows nothing of text or of where they came from.
"""

# ruff: noqa: PLE0303, PLE0304, PLE0307, PLE0308 - a Redacted raises where a value would be returned

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from nbgraph.codec.frozen import FrozenDict
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Record:
    """A value of a class that this process was not told of: its data, to be read and not changed.

    Fields are attributes; ``vars(record)`` does not work, ``dict(record)`` does. It encodes to the text
    that it came from.

    >>> Record("dataclass", "shop:Item", {"price": 3}).price
    3
    """

    __slots__ = ("_record_body", "_record_fields", "_record_kind", "_record_type")
    _record_kind: str
    _record_type: str
    _record_fields: FrozenDict
    _record_body: FrozenDict

    def __init__(
        self, kind: str, type_name: str, fields: Mapping[str, Any], body: Mapping[str, Any] | None = None
    ) -> None:
        """``fields`` are for reading; ``body`` is all that the tag held, where that is more."""
        put = object.__setattr__
        put(self, "_record_kind", kind)
        put(self, "_record_type", type_name)
        put(self, "_record_fields", FrozenDict(sorted(fields.items())))
        put(self, "_record_body", FrozenDict(body if body is not None else {"fields": self._record_fields}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_record_") or name not in self._record_fields:
            raise AttributeError(f"the record of a {self._record_type} has no field {name!r}")
        return self._record_fields[name]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"the record of a {self._record_type} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"the record of a {self._record_type} is read-only")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._record_fields.items())

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self._record_fields]

    def __identity__(self) -> tuple[str, str, FrozenDict]:
        """Return kind, class name and content: what makes two records equal."""
        return self._record_kind, self._record_type, self._record_body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.__identity__() == other.__identity__()

    def __hash__(self) -> int:
        return hash((self._record_kind, self._record_type))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._record_fields.items())
        return f"<record of {self._record_type}: {fields}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Record, (self._record_kind, self._record_type, self._record_fields, self._record_body)

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return self


class Redacted:
    """Stands where a secret was when it was written. It shows itself, and refuses to be used.

    >>> Redacted("key 'password'")
    <redacted: key 'password'>
    """

    __slots__ = ("reason",)
    reason: str

    def __init__(self, reason: str) -> None:
        object.__setattr__(self, "reason", reason)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("a redacted value is read-only")

    def get_secret_value(self) -> NoReturn:
        """Raise ``CodecError``: the secret was never written."""
        raise CodecError(
            f"a secret was needed that is not kept in the store ({self.reason})",
            still="everything else of the state was loaded",
            todo="read secrets from the environment inside the node, or start a new run that is given it again",
            actual="Redacted",
        )

    def __str__(self) -> str:
        self.get_secret_value()

    def __format__(self, spec: str) -> str:
        self.get_secret_value()

    def __bytes__(self) -> bytes:
        self.get_secret_value()

    def __iter__(self) -> Iterator[Any]:
        self.get_secret_value()

    def __len__(self) -> int:
        self.get_secret_value()

    def __bool__(self) -> bool:
        self.get_secret_value()

    def __add__(self, other: Any) -> Any:
        self.get_secret_value()

    __radd__ = __mod__ = __getitem__ = __add__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redacted) and self.reason == other.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return f"<redacted: {self.reason}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Redacted, (self.reason,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Redacted:
        return self
