"""pandas Series, DataFrames and scalars.

Owns their tags. pandas is imported when one of its values, or one of these tags, is met. Columns are kept
by position, so names may repeat.
"""

# ruff: noqa: PLC0415 - heavy packages are imported when one of their values is met, never before

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbgraph.codec.indexes import READERS as INDEX_READERS
from nbgraph.codec.indexes import read_index, read_values, write_index, write_values
from nbgraph.codec.times import read_zone, write_zone
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Handler, Writer

_INSTANT = re.compile(r"[-0-9T:.]+")


def handler_for(cls: type) -> Handler | None:
    """Return how to write a class of pandas', or ``None``."""
    import pandas as pd

    exact: dict[type, Handler] = {
        pd.Series: _write_series,
        pd.DataFrame: _write_frame,
        pd.Timestamp: _write_timestamp,
        pd.Timedelta: _write_timedelta,
        type(pd.NaT): lambda *_: {"$pandas": "NaT"},
        type(pd.NA): lambda *_: {"$pandas": "NA"},
    }
    if cls in exact:
        return exact[cls]
    return write_index if issubclass(cls, pd.Index) and cls.__module__.partition(".")[0] == "pandas" else None


def _described(writer: Writer, value: Any, node: dict[str, Node]) -> Node:
    if not value.flags.allows_duplicate_labels:
        writer.refuse(value, "allow duplicate labels: value.set_flags(allows_duplicate_labels=True)")
    if value.attrs:
        node["attrs"] = writer.child(value, "attrs", value.attrs)
    return node


def _attributed(reader: Reader, node: dict[str, Node], value: Any) -> Any:
    if "attrs" in node:
        was, reader.frozen = reader.frozen, False
        value.attrs = reader.lift(node["attrs"])
        reader.frozen = was
    return value


def _write_series(writer: Writer, value: Any) -> Node:
    node = {
        "$series": write_values(writer, value, value.array),
        "index": writer.child(value, "index", value.index),
        "name": writer.child(value, "name", value.name),
    }
    return _described(writer, value, node)


def _read_series(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    values = read_values(reader, node["$series"])
    index = read_index(reader, node["index"])
    series = pd.Series(values, index=index, dtype=values.dtype, name=reader.lift(node["name"]))
    return _attributed(reader, node, series)


def _write_frame(writer: Writer, value: Any) -> Node:
    names = value.columns
    columns = [write_values(writer, value, value.iloc[:, place].array, name) for place, name in enumerate(names)]
    node = {
        "$frame": columns,
        "columns": writer.child(value, "columns", value.columns),
        "index": writer.child(value, "index", value.index),
    }
    return _described(writer, value, node)


def _read_frame(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    index, columns = read_index(reader, node["index"]), read_index(reader, node["columns"])
    if len(columns) != len(node["$frame"]):
        raise CodecError("a table has another number of columns than names")
    series = {}
    for place, column in enumerate(node["$frame"]):
        values = read_values(reader, column)
        series[place] = pd.Series(values, index=index, dtype=values.dtype)
    frame = pd.DataFrame(series, index=index)
    frame.columns = columns
    return _attributed(reader, node, frame)


def _write_timestamp(writer: Writer, value: Any) -> Node:
    node: dict[str, Node] = {"$timestamp": str(value.asm8), "unit": value.unit}
    if value.tz is not None:
        node["tz"] = write_zone(writer, value.tz)
    elif value.fold:
        writer.refuse(value, "give the timestamp a zone: pandas does not keep fold without one")
    return node


def _read_timestamp(reader: Reader, node: dict[str, Node]) -> Any:
    import numpy as np
    import pandas as pd

    if not _INSTANT.fullmatch(node["$timestamp"]):
        raise CodecError("not a timestamp")
    stamp = pd.Timestamp(np.datetime64(node["$timestamp"], _unit(node["unit"])))
    return stamp.tz_localize("UTC").tz_convert(read_zone(reader, node["tz"])) if "tz" in node else stamp


def _write_timedelta(_: Writer, value: Any) -> Node:
    return {"$pandas": "Timedelta", "value": int(value.asm8.view("i8")), "unit": value.unit}


def _unit(unit: Node) -> Any:
    if unit not in ("s", "ms", "us", "ns"):
        raise CodecError("not a unit of pandas'")
    return unit


def _read_pandas(_: Reader, node: dict[str, Node]) -> Any:
    import numpy as np
    import pandas as pd

    if node["$pandas"] == "Timedelta":
        return pd.Timedelta(np.timedelta64(node["value"], _unit(node["unit"])))
    return {"NaT": pd.NaT, "NA": pd.NA}[node["$pandas"]]


READERS: dict[str, TagReader] = {
    **INDEX_READERS,
    "$series": _read_series,
    "$frame": _read_frame,
    "$timestamp": _read_timestamp,
    "$pandas": _read_pandas,
}
