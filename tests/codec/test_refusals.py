"""What cannot be kept exactly is refused, with the path, the type and the way out."""

from __future__ import annotations

import array
import asyncio
import collections
import io
import socket
import sys
import threading
import types
import weakref
from dataclasses import dataclass, make_dataclass

import numpy as np
import pandas as pd
import pytest

from nbgraph.codec import MAX_DEPTH, decode, encode, keep
from nbgraph.errors import CodecError
from tests.codec.samples import Base


class Text(str):
    """A subclass that must not come back as a str."""

    __slots__ = ()


class Items(list):
    """A subclass that must not come back as a list."""


class Number(int):
    """A subclass that must not come back as an int."""


class Plain:
    """A class nobody taught nbgraph."""


async def _coroutine():
    pass


REFUSED = {
    "lock": threading.Lock, "file": io.StringIO, "socket": socket.socket, "generator": lambda: (x for x in ()),
    "lambda": lambda: (lambda: 1), "module": lambda: sys, "exception": lambda: ValueError("x"), "class": lambda: Plain,
    "function": lambda: encode, "builtin": lambda: len, "object": Plain, "weakref": lambda: weakref.ref(Plain),
    "thread": threading.Thread, "event loop": asyncio.new_event_loop, "str subclass": lambda: Text("a"),
    "list subclass": lambda: Items([1]), "int subclass": lambda: Number(1), "OrderedDict": collections.OrderedDict,
    "deque": collections.deque, "Counter": collections.Counter, "defaultdict": lambda: collections.defaultdict(int),
    "bytearray": bytearray, "memoryview": lambda: memoryview(b""), "range": lambda: range(3), "ellipsis": lambda: ...,
    "array": lambda: array.array("i"), "mapping proxy": lambda: types.MappingProxyType({}),
    "objects in numpy": lambda: np.array([Plain()], dtype=object), "masked": lambda: np.ma.array([1], mask=[True]),
    "nested object": lambda: np.zeros(1, [("a", "O")]), "sparse": lambda: pd.Series(pd.arrays.SparseArray([1, 0])),
    "frame with objects": lambda: pd.DataFrame({"a": [Plain()]}), "recarray": lambda: np.rec.array([(1,)]),
}  # fmt: skip


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_come_back_is_refused(make):
    """Refused at the door with path, type and advice, by encode and keep alike."""
    value = make()
    for attempt in (encode, keep):
        with pytest.raises(CodecError) as caught:
            attempt({"items": [0, {"client": value}]})
        assert caught.value.path.startswith("$.items[1].client")
        assert caught.value.actual
        assert caught.value.todo
    getattr(value, "close", lambda: None)() if not isinstance(value, type) else None


@pytest.mark.parametrize("levels", [10, MAX_DEPTH - 1, MAX_DEPTH])
@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: {1: v}, lambda v: (v,), lambda v: Base("n", [v])]
)
def test_the_stated_depth_is_kept(levels, wrap):
    """Values nest to the stated depth, whatever they are made of."""
    value = 1
    for _ in range(levels if wrap(0).__class__ is not Base else levels // 2):
        value = wrap(value)
    text = encode(value)
    assert text == encode(decode(text))
    assert text == keep(value, records=True)[0]


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_deeper_values_and_texts_are_refused(levels):
    """One level more, or a hundred thousand, is a CodecError and never a RecursionError."""
    value: list = []
    for _ in range(levels):
        value = [value]
    for attempt in (encode, keep):
        with pytest.raises(CodecError, match="levels"):
            attempt(value)
    with pytest.raises(CodecError):
        decode("[" * (levels + 1) + "]" * (levels + 1))
    while value:
        value = value.pop()


def test_a_value_that_contains_itself_is_refused():
    """Cycles are named as such, with the path to the first turn."""
    loop: dict = {"a": [1]}
    loop["a"].append(loop)
    with pytest.raises(CodecError, match="contains itself") as caught:
        encode({"x": loop})
    assert "$.x.a[1]" == caught.value.path


def test_attributes_that_would_be_lost_are_refused():
    """A dataclass instance with an attribute that is no field is not kept in part."""
    value = Base("n")
    value.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(CodecError) as caught:
        encode(value)
    assert "extra" in caught.value.todo


def test_a_class_outside_the_schema_is_refused_by_keep():
    """keep() refuses what could not be rebuilt, unless records are asked for."""
    stranger = make_dataclass("Stranger", ["x"])
    with pytest.raises(CodecError, match="schema"):
        keep([stranger(1)])
    assert 1 == keep([stranger(1)], records=True)[1][0].x


def test_code_that_raises_while_being_read_is_a_codec_error():
    """A property or to_plain that raises becomes a CodecError with its cause."""

    @dataclass
    class Odd:
        x: int = 0

        def __getattribute__(self, name):
            if name == "x":
                raise ZeroDivisionError
            return object.__getattribute__(self, name)

    with pytest.raises(CodecError):
        encode(Odd())
