"""Numbers, text, bytes, UUIDs and paths: values without parts.

Owns their tags. A NaN is one NaN: its sign and payload depend on the machine that computed it, and the
same run must give the same bytes everywhere.
"""

from __future__ import annotations

import pathlib
import re
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nbgraph.codec.limits import INT_BOUND, Node
from nbgraph.codec.record import Redacted
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Handler, Writer

SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile("[\\\\\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|u[dD][89a-fA-F][0-9a-fA-F]{2})|\\")
_FLOATS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
_HEX = re.compile(r"-?0x[0-9a-f]+")


def _same(_: Writer, value: Any) -> Node:
    return value


def _write_int(_: Writer, value: int) -> Node:
    return value if -INT_BOUND < value < INT_BOUND else {"$int": hex(value)}


def _read_int(_: Reader, node: dict[str, Node]) -> int:
    if not _HEX.fullmatch(node["$int"]):
        raise CodecError("not an integer in hexadecimal")
    return int(node["$int"], 16)


def _write_float(_: Writer, value: float) -> Node:
    return value if isfinite(value) else {"$float": repr(value)}


def _read_float(_: Reader, node: dict[str, Node]) -> float:
    return _FLOATS[node["$float"]]


def _write_str(_: Writer, value: str) -> Node:
    if not SURROGATE.search(value):
        return value
    # JSON's own \\ud800 escapes would let a parser join two surrogates into one character.
    return {"$str": _ESCAPE.sub(lambda m: "\\\\" if m[0] == "\\" else f"\\u{ord(m[0]):04x}", value)}


def _read_str(_: Reader, node: dict[str, Node]) -> str:
    return _ESCAPED.sub(_unescape, node["$str"])


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if escape is None:
        raise CodecError("a stray backslash in escaped text")
    return "\\" if escape == "\\" else chr(int(escape[1:], 16))


def _write_bytes(writer: Writer, value: bytes) -> Node:
    return writer.payload(value)


def _read_bytes(reader: Reader, node: dict[str, Node]) -> bytes:
    return reader.payload(node)


def _write_complex(writer: Writer, value: complex) -> Node:
    return {"$complex": [_write_float(writer, value.real), _write_float(writer, value.imag)]}


def _read_complex(reader: Reader, node: dict[str, Node]) -> complex:
    real, imag = reader.items(node["$complex"])
    return complex(_typed(real, float), _typed(imag, float))


def _typed(value: Any, cls: type) -> Any:
    if type(value) is not cls:
        raise CodecError(f"a {cls.__name__} was expected in the text")
    return value


def _write_fraction(writer: Writer, value: Fraction) -> Node:
    return {"$fraction": [_write_int(writer, value.numerator), _write_int(writer, value.denominator)]}


def _read_fraction(reader: Reader, node: dict[str, Node]) -> Fraction:
    above, below = reader.items(node["$fraction"])
    return Fraction(_typed(above, int), _typed(below, int))


def _read_decimal(_: Reader, node: dict[str, Node]) -> Decimal:
    return Decimal(_typed(node["$decimal"], str))


def _read_uuid(_: Reader, node: dict[str, Node]) -> UUID:
    return UUID(_typed(node["$uuid"], str))


_PATHS: dict[str, type[pathlib.PurePath]] = {
    cls.__name__: cls
    for cls in (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
}


def _write_path(writer: Writer, value: pathlib.PurePath) -> Node:
    return {"$path": _write_str(writer, str(value)), "flavour": type(value).__name__}


def _read_path(reader: Reader, node: dict[str, Node]) -> pathlib.PurePath:
    text, cls = _typed(reader.lift(node["$path"]), str), _PATHS[node["flavour"]]
    if issubclass(cls, pathlib.Path) and cls is not type(pathlib.Path()):
        # The other family's concrete paths do not exist here: a foreign file must still be viewable.
        cls = pathlib.PureWindowsPath if issubclass(cls, pathlib.PureWindowsPath) else pathlib.PurePosixPath
    return cls(text)


def _read_redacted(_: Reader, node: dict[str, Node]) -> Redacted:
    return Redacted(_typed(node["$redacted"], str))


WRITERS: dict[type, Handler] = {
    type(None): _same,
    bool: _same,
    int: _write_int,
    float: _write_float,
    str: _write_str,
    bytes: _write_bytes,
    complex: _write_complex,
    Fraction: _write_fraction,
    Decimal: lambda _, value: {"$decimal": str(value)},
    UUID: lambda _, value: {"$uuid": str(value)},
    Redacted: lambda _, value: {"$redacted": value.reason},
    **dict.fromkeys(_PATHS.values(), _write_path),
}
READERS: dict[str, TagReader] = {
    "$int": _read_int,
    "$float": _read_float,
    "$str": _read_str,
    "$bytes": _read_bytes,
    "$blob": _read_bytes,
    "$complex": _read_complex,
    "$fraction": _read_fraction,
    "$decimal": _read_decimal,
    "$uuid": _read_uuid,
    "$path": _read_path,
    "$redacted": _read_redacted,
}
