"""Values of every kept type, classes to keep, and equality that sees types. Used by the codec's tests."""

from __future__ import annotations

import enum
import math
import pathlib
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from nbgraph.codec import Types, encode


class Colour(enum.Enum):
    RED = "r"
    BLUE = ("b", 1)


class Level(enum.IntEnum):
    LOW = 1


class Kind(enum.StrEnum):
    A = "a"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    tags: list[str]


@dataclass
class Base:
    name: str
    parts: list[Any] = field(default_factory=list)


@dataclass
class Derived(Base):
    count: int = 0
    made: int = field(init=False, default=7)


@dataclass(frozen=True, slots=True)
class Slotted:
    colour: Colour
    where: Point


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    items: list[int]
    alias: str = Field(default="d", alias="also")
    child: Slotted | None = None
    _note: str = PrivateAttr(default="n")


class Login(BaseModel):
    user: str
    token: SecretStr


TYPES = Types.of(Colour, Level, Kind, Right, Point, Base, Derived, Slotted, Model, Login)

PLAIN = [
    None, True, False, 0, 1, -1, 2**53 + 1, 2**63, 10**599, 10**600, -(10**5000), 1.0, -0.0, 5e-324, 1e308,
    math.inf, -math.inf, math.nan, "", "a\0b", "\u2028\u202e", "e\u0301", "é", "👩‍👩‍👧", "\ud800", "\ud83d\ude00", "\\u\udfff\\",
    b"", b"\xff\0", [], [[1], 1.0, True], (), (1, (2,)), {}, {"b": 1, "a": [2]}, {"$a": 1, "a": 2}, {"\ud800": 1},
    {1: "a", "1": "b", None: 0, (1, "x"): 2, b"k": 3, 2.5: 4, date(2020, 1, 1): 5}, {True: 1, "a": 2}, {math.nan: 1},
    set(), {1, "a", (2, 3), frozenset({4})}, frozenset({"x", 1.5}), 1j, complex(-0.0, math.inf),
    Fraction(1, 3), Fraction(10**700, 3), Decimal("1.0"), Decimal("1.00"), Decimal("NaN"), Decimal("sNaN12"),
    Decimal("-Infinity"), Decimal("1E+30"), UUID(int=7), pathlib.Path("a/b"), pathlib.PureWindowsPath("c:\\x"),
    pathlib.PurePosixPath("/é\udc80"), date.min, datetime.max, datetime(2020, 10, 25, 2, 30, fold=1),
    datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris")), datetime(1, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=-3, microseconds=1), "X")), time(1, 2, 3, 4, fold=1),
    time(1, tzinfo=timezone(timedelta(minutes=5))), timedelta(-1, 1, 1), UTC, ZoneInfo("UTC"),
]  # fmt: skip

OBJECTS = [
    Colour.BLUE, Level.LOW, Kind.A, Right.READ | Right.WRITE, Right(0), Point(1, ["a"]), Base("n", [{"a": (1,)}]),
    Derived("n", [], 3), Slotted(Colour.RED, Point(2, [])), {Colour.RED: {Level.LOW: 1}},
    Model(items=[1], also="z", child=Slotted(Colour.RED, Point(2, [])), more={"x": [1]}), Model(items=[]),
]  # fmt: skip

ARRAYS = [
    *[np.array([0, 1, 100], dtype=kind) for kind in "?bhilqBHILQefdgFDG"],
    *[np.array([1, 2], dtype=kind).astype(kind) for kind in (">i4", ">f8", "<U3", "|S4", ">U2")],
    np.array(["2020-01-01", "NaT"], "M8[D]"), np.array([1], "m8[25s]"), np.array([b"ab"], "V2"), np.array(3.5),
    np.zeros((0, 3)), np.arange(24).reshape(2, 3, 4).T, np.arange(10)[::-3], np.asfortranarray(np.ones((2, 3))),
    np.array([(1, 2.5, [1, 2])], [("a", ">i4"), ("b", "f8"), ("c", "u1", (2,))]), np.ones(20_000),
    np.array([(1, (2, 3.0))], np.dtype([("é", "i1"), ("in", [("x", "i1"), ("y", "f8")])], align=True)),
    np.float64(-0.0), np.float32(0.1), np.float16(2), np.int8(-5), np.uint64(2**64 - 1), np.bool_(True), np.complex64(1j),
    np.longdouble(1) / 3, np.str_("a\0"), np.bytes_(b"a\0"), np.datetime64("NaT"), np.datetime64("2020-01-01T01", "h"),
    np.timedelta64(5, "us"), np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])[0],
]  # fmt: skip

_DATES = pd.date_range("2020-03-28", periods=3, freq="D", tz="Europe/Paris")
FRAMES = [
    pd.Series([1, 2, 3], name=("a", 1)), pd.Series([1.5, None], index=["x", "y"]), pd.Series(["a", None]),
    pd.Series(["a", 1, None, 2.5, pd.NA, Decimal(1), [1]], dtype=object), pd.Series([], dtype="float32"),
    *[pd.Series([1, None, 0], dtype=kind) for kind in ("Int8", "UInt64", "Float32", "boolean")],
    pd.Series(["a", None], dtype="string"), pd.Series(pd.Categorical(["b", None, "a"], ["b", "a", "c"], ordered=True)),
    pd.Series(_DATES), pd.Series(pd.to_timedelta([1, None], unit="s")), pd.Series(pd.period_range("2020", periods=2, freq="M")),
    pd.Series(pd.interval_range(0, 2)), pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"]), pd.DataFrame(),
    pd.DataFrame(index=range(3)), pd.DataFrame({"t": _DATES, 1: [1, 2, 3]}, index=_DATES),
    pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])),
    pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], [1, 2]])),
    pd.Index(["a", 1], dtype=object), pd.RangeIndex(1, 9, 2, name="r"), pd.date_range("2020", periods=3, freq="MS"),
    pd.CategoricalIndex(["a", "b"]), pd.TimedeltaIndex(["1s", "2s"]), pd.period_range("2020", periods=2, freq="D"),
    pd.Timestamp("2020-01-01 00:00:00.123456789"), pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Paris"),
    pd.Timedelta("1 days 00:00:00.000000001"), pd.NaT, pd.NA,
]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    """Say whether two values are equal in type and content, at every level; a NaN equals a NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (pd.Series, pd.DataFrame, pd.Index)):
        return _same_pandas(left, right)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and _same_items(left.tolist(), right.tolist())
    if isinstance(left, float):
        return repr(left) == repr(right)
    if type(left) is complex:
        return same(left.real, right.real) and same(left.imag, right.imag)
    if isinstance(left, BaseModel):
        return left == right and left.model_fields_set == right.model_fields_set and same(left.__dict__, right.__dict__)
    if is_dataclass(left):
        return all(same(getattr(left, one.name), getattr(right, one.name)) for one in fields(left))
    if isinstance(left, Decimal) or left is pd.NA:
        return repr(left) == repr(right)
    if isinstance(left, (datetime, time)):
        return repr(left) == repr(right) and left.fold == right.fold
    return _same_items(left, right)


def _same_items(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return _same_items(_ordered(left.items()), _ordered(right.items()))
    if isinstance(left, (set, frozenset)):
        return _same_items(_ordered(left), _ordered(right))
    return repr(left) == repr(right) if left != right else True


def _ordered(items: Any) -> list[Any]:
    return sorted(items, key=encode)  # a set's repr follows hashes


def _same_pandas(left: Any, right: Any) -> bool:
    if isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right, check_exact=True, check_freq=True)
    elif isinstance(left, pd.Series):
        pd.testing.assert_series_equal(left, right, check_exact=True, check_freq=True)
    else:
        pd.testing.assert_index_equal(left, right, exact=True, check_exact=True)
        return getattr(left, "freq", None) == getattr(right, "freq", None)
    return True
