"""numpy scalars and arrays.

Owns their tags. numpy is imported when one of its values, or one of these tags, is met. Content is kept
in C order with its byte order; dtypes that hold Python objects or pointers are refused.
"""

# ruff: noqa: PLC0415 - heavy packages are imported when one of their values is met, never before

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Handler, Writer

_PLAIN_DTYPE = re.compile(r"[<>|=]?([?biufcSUV]\d{0,9}|[mM]8(\[\d{0,9}[A-Za-zμ]{1,7}\])?)")
_READABLE = frozenset("biufc")


def handler_for(cls: type) -> Handler | None:
    """Return how to write a class of numpy's, or ``None``."""
    import numpy as np

    if cls is np.ndarray:
        return write_array
    if issubclass(cls, np.generic) and cls.__module__ == "numpy":
        return _write_scalar
    return None


def write_array(writer: Writer, value: Any) -> Node:
    """Write a plain ndarray; its subclasses are refused before they come here."""
    return {
        "$ndarray": _write_dtype(writer, value, value.dtype),
        "shape": list(value.shape),
        "data": writer.payload(_content(value)),
    }


def _content(value: Any) -> bytes:
    """Return the bytes of an array with every padding byte zero: padding is whatever memory held before."""
    import numpy as np

    if value.dtype.names is not None:
        clean = np.zeros(value.shape, value.dtype)
        _copy_fields(clean, value)
        return clean.tobytes()
    raw: bytes = value.tobytes()
    width = value.dtype.itemsize // (2 if value.dtype.kind == "c" else 1)
    if value.dtype.kind in "fc" and width > 8 and np.finfo(value.dtype).nmant == 63:
        parts = np.frombuffer(raw, "u1").reshape(-1, width).copy()
        # The x87 format: ten bytes of number, padded by the compiler.
        parts[:, slice(10, None) if value.dtype.str[0] == "<" else slice(0, width - 10)] = 0
        return parts.tobytes()
    return raw


def _copy_fields(target: Any, source: Any) -> None:
    for name in source.dtype.names:
        if source[name].dtype.names is not None:
            _copy_fields(target[name], source[name])
        else:
            target[name] = source[name]


def _write_dtype(writer: Writer, value: Any, dtype: Any) -> Node:
    if dtype.metadata is not None or dtype.hasobject or (dtype.names is None and dtype.kind not in "?biufcmMSUV"):
        writer.fail(
            f"holds numpy data of dtype {dtype}, which cannot be kept exactly",
            "use a list, or an array of numbers, dates or fixed-width text",
            f"ndarray[{dtype}]",
        )
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": _write_dtype(writer, value, base), "shape": list(shape)}
    if dtype.names is None:
        return dtype.str
    if any(dtype.fields[name][2:] for name in dtype.names) or any(
        dtype.fields[name][0].base.kind in "fc" and dtype.fields[name][0].base.itemsize > 16 for name in dtype.names
    ):
        writer.refuse(value, "give the structured dtype no titles")
    return {
        "names": [writer.child(value, "dtype", name) for name in dtype.names],
        "formats": [_write_dtype(writer, value, dtype.fields[name][0]) for name in dtype.names],
        "offsets": [dtype.fields[name][1] for name in dtype.names],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }


def _read_dtype(reader: Reader, node: Node) -> Any:
    import numpy as np

    if type(node) is str:
        # numpy's own grammar is wider (object dtypes, comma lists, repeat counts): ours is this pattern.
        if not _PLAIN_DTYPE.fullmatch(node):
            raise CodecError(f"not a dtype that is kept: {ascii(node)[:80]}")
        return np.dtype(node)
    if "base" in node:
        return np.dtype((_read_dtype(reader, node["base"]), tuple(map(_size, node["shape"]))))
    parts = {
        "names": reader.items(node["names"]),
        "formats": [_read_dtype(reader, one) for one in node["formats"]],
        "offsets": list(map(_size, node["offsets"])),
        "itemsize": _size(node["itemsize"]),
    }
    return np.dtype(parts, align=node["aligned"] is True)  # type: ignore[call-overload]


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise CodecError("a size is an integer, 0 or more")
    return value


def _read_array(reader: Reader, node: dict[str, Node]) -> Any:
    return read_array(reader, node, frozen=reader.frozen)


def read_array(reader: Reader, node: dict[str, Node], *, frozen: bool) -> Any:
    """Return the array of ``write_array``; a frozen one refuses to be written to."""
    import numpy as np

    dtype, shape = _read_dtype(reader, node["$ndarray"]), tuple(map(_size, node["shape"]))
    raw = reader.payload(node["data"])
    # Checked in Python's integers, before numpy is asked for any memory.
    if prod(shape) * dtype.itemsize != len(raw):
        raise CodecError("an array's shape does not fit its data")
    value: Any = np.ndarray(shape, dtype, buffer=raw or b"\0" * 16)
    if frozen:
        value.setflags(write=False)
        return value
    return value.copy()


def _write_scalar(writer: Writer, value: Any) -> Node:
    dtype = value.dtype
    if dtype.kind in "SU":
        # Its own text: as an array it would lose trailing NULs.
        return {
            "$numpy": dtype.kind,
            "value": writer.child(value, "value", _own_text(value)),
        }
    if dtype.kind in _READABLE and dtype.itemsize <= (16 if dtype.kind == "c" else 8):
        return {"$numpy": dtype.str, "value": writer.child(value, "value", value.item())}
    import numpy as np

    array = np.asarray(value)
    return {"$numpy": _write_dtype(writer, value, dtype), "data": writer.payload(_content(array))}


def _own_text(value: Any) -> Any:
    """Return a text scalar as the builtin that it extends; its own conversions strip trailing NULs."""
    return bytes.__getitem__(value, slice(None)) if isinstance(value, bytes) else str.__str__(value)


def _read_scalar(reader: Reader, node: dict[str, Node]) -> Any:
    import numpy as np

    if "data" in node:
        array = read_array(reader, {"$ndarray": node["$numpy"], "shape": [], "data": node["data"]}, frozen=False)
        return array[()]
    value = reader.lift(node["value"])
    if node["$numpy"] in ("S", "U"):
        cls: Any = np.bytes_ if node["$numpy"] == "S" else np.str_
        if type(value) is not (bytes if cls is np.bytes_ else str):
            raise CodecError("not the text of a numpy scalar")
        return cls(value)
    if type(value) not in (bool, int, float, complex):
        raise CodecError("not the number of a numpy scalar")
    return _read_dtype(reader, node["$numpy"]).type(value)


READERS: dict[str, TagReader] = {"$ndarray": _read_array, "$numpy": _read_scalar}
