"""What pandas' columns and indexes are made of: its arrays, and indexes themselves.

Owns how each extension dtype is kept. What is not in the two tables (Arrow, sparse, other libraries'
dtypes) is refused.
"""

# ruff: noqa: PLC0415 - heavy packages are imported when one of their values is met, never before

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.codec.arrays import read_array, write_array
from nbgraph.codec.times import read_zone, write_zone
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Writer


def write_values(writer: Writer, holder: Any, values: Any, step: Any = "values") -> Node:
    """Return the tree of a pandas array, by the kind of its dtype."""
    kind = type(values).__name__
    if kind in ("NumpyExtensionArray", "PandasArray"):
        array = values.to_numpy()
        return writer.child(holder, step, list(array)) if array.dtype == object else write_array(writer, array)
    write = _WRITE.get(kind)
    if write is None or type(values).__module__.partition(".")[0] != "pandas":
        writer.fail(
            f"holds pandas data of dtype {values.dtype}, which cannot be kept exactly",
            "convert the column with .astype(...) or .convert_dtypes() first",
            kind,
        )
    return {"kind": kind, **write(writer, values)}


def read_values(reader: Reader, node: Node) -> Any:
    """Return the array of ``write_values``: numpy's or pandas', always a writable one."""
    import numpy as np

    if isinstance(node, dict) and "kind" in node:
        return _READ[node["kind"]](reader, node)
    if isinstance(node, dict):
        return _array(reader, node)
    items = reader.items(node)
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array


def _array(reader: Reader, node: dict[str, Node]) -> Any:
    array = read_array(reader, node, frozen=False)
    if array.ndim != 1:
        raise CodecError("a column has one dimension")
    return array


def _ints(writer: Writer, values: Any) -> Node:
    import numpy as np

    return write_array(writer, np.asarray(values, dtype="<i8"))


def _write_times(writer: Writer, values: Any) -> dict[str, Node]:
    node = {"data": _ints(writer, values.asi8), "unit": values.unit}
    if getattr(values, "tz", None) is not None:
        node["tz"] = write_zone(writer, values.tz)
    return node


def _read_datetimes(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    times: Any = pd.DatetimeIndex(_array(reader, node["data"]).view(f"M8[{_unit(node)}]"))
    if "tz" in node:
        times = times.tz_localize("UTC").tz_convert(read_zone(reader, node["tz"]))
    return times.array


def _read_timedeltas(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    return pd.TimedeltaIndex(_array(reader, node["data"]).view(f"m8[{_unit(node)}]")).array


def _unit(node: dict[str, Node]) -> str:
    if node["unit"] not in ("s", "ms", "us", "ns"):
        raise CodecError("not a unit of pandas'")
    return str(node["unit"])


def _write_periods(writer: Writer, values: Any) -> dict[str, Node]:
    return {"data": _ints(writer, values.asi8), "freq": str(values.dtype)[len("period[") : -1]}


def _read_periods(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    return pd.arrays.PeriodArray(_array(reader, node["data"]), dtype=pd.PeriodDtype(node["freq"]))


def _write_intervals(writer: Writer, values: Any) -> dict[str, Node]:
    left, right = write_index(writer, values.left), write_index(writer, values.right)
    return {"left": left, "right": right, "closed": values.closed}


def _read_intervals(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    left, right = read_index(reader, node["left"]), read_index(reader, node["right"])
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=node["closed"])


def _write_categories(writer: Writer, values: Any) -> dict[str, Node]:
    categories = write_index(writer, values.categories)
    return {"codes": _ints(writer, values.codes), "categories": categories, "ordered": bool(values.ordered)}


def _read_categories(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    codes, categories = _array(reader, node["codes"]), read_index(reader, node["categories"])
    return pd.Categorical.from_codes(codes, categories=categories, ordered=node["ordered"] is True)


def _write_masked(writer: Writer, values: Any) -> dict[str, Node]:
    import numpy as np

    # What lies under the mask is left over from some computation: one zero, so that equal is equal.
    data = values.to_numpy(dtype=values.dtype.numpy_dtype, na_value=values.dtype.type(0))
    return {"data": write_array(writer, data), "mask": write_array(writer, np.asarray(values.isna()))}


def _read_masked(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    makers: Any = {
        "IntegerArray": pd.arrays.IntegerArray,
        "FloatingArray": pd.arrays.FloatingArray,
        "BooleanArray": pd.arrays.BooleanArray,
    }
    return makers[node["kind"]](_array(reader, node["data"]), _array(reader, node["mask"]))


def _write_strings(writer: Writer, values: Any) -> dict[str, Node]:
    import pandas as pd

    dtype = values.dtype
    missing = "NA" if getattr(dtype, "na_value", pd.NA) is pd.NA else "nan"
    texts = [None if absent else str(text) for text, absent in zip(values, values.isna(), strict=True)]
    return {"data": writer.child(values, "data", texts), "storage": dtype.storage, "missing": missing}


def _read_strings(reader: Reader, node: dict[str, Node]) -> Any:
    import pandas as pd

    texts: Any = reader.items(node["data"])
    if not all(text is None or type(text) is str for text in texts) or node["storage"] not in ("python", "pyarrow"):
        raise CodecError("not a column of text")
    dtype: Any = pd.StringDtype(node["storage"])
    if node["missing"] == "nan":
        dtype = pd.StringDtype(node["storage"], na_value=float("nan"))
    return pd.array(texts, dtype=dtype)


def write_index(writer: Writer, value: Any) -> Node:
    """Return the tree of an index of any of pandas' classes."""
    if type(value).__name__ == "RangeIndex":
        bounds = [value.start, value.stop, value.step]
        return {"$index": "range", "range": bounds, "name": writer.child(value, "name", value.name)}
    if type(value).__name__ == "MultiIndex":
        return {
            "$index": "multi",
            "levels": [write_index(writer, level) for level in value.levels],
            "codes": [_ints(writer, codes) for codes in value.codes],
            "names": [writer.child(value, "names", name) for name in value.names],
        }
    node = {"$index": "values", "values": write_values(writer, value, value.array)}
    node["name"] = writer.child(value, "name", value.name)
    if getattr(value, "freq", None) is not None and type(value).__name__ != "PeriodIndex":
        node["freq"] = _frequency(writer, value)
    return node


def _frequency(writer: Writer, value: Any) -> str:
    from pandas.tseries.frequencies import to_offset

    text: str = value.freq.freqstr
    try:
        same = to_offset(text) == value.freq
    except ValueError:
        same = False
    if not same:
        writer.refuse(value, "drop the index's custom frequency: index.freq = None")
    return text


def read_index(reader: Reader, node: Node) -> Any:
    """Return the index of ``write_index``."""
    import pandas as pd

    kind = node["$index"]
    if kind == "range":
        start, stop, step = node["range"]
        return pd.RangeIndex(start, stop, step, name=reader.lift(node["name"]))
    if kind == "multi":
        levels = [read_index(reader, level) for level in node["levels"]]
        codes = [_array(reader, one) for one in node["codes"]]
        return pd.MultiIndex(levels=levels, codes=codes, names=reader.items(node["names"]))
    values = read_values(reader, node["values"])
    index: Any = pd.Index(values, dtype=values.dtype, name=reader.lift(node["name"]))
    if "freq" in node:
        index.freq = node["freq"]
    return index


_WRITE: dict[str, Any] = {
    "DatetimeArray": _write_times,
    "TimedeltaArray": _write_times,
    "PeriodArray": _write_periods,
    "IntervalArray": _write_intervals,
    "Categorical": _write_categories,
    "IntegerArray": _write_masked,
    "FloatingArray": _write_masked,
    "BooleanArray": _write_masked,
    "StringArray": _write_strings,
    "StringArrayNumpySemantics": _write_strings,
    "ArrowStringArray": _write_strings,
    "ArrowStringArrayNumpySemantics": _write_strings,
}
_READ: dict[str, Any] = {
    "DatetimeArray": _read_datetimes,
    "TimedeltaArray": _read_timedeltas,
    "PeriodArray": _read_periods,
    "IntervalArray": _read_intervals,
    "Categorical": _read_categories,
    **{kind: _read_masked for kind, write in _WRITE.items() if write is _write_masked},
    **{kind: _read_strings for kind, write in _WRITE.items() if write is _write_strings},
}
READERS: dict[str, TagReader] = {"$index": read_index}
