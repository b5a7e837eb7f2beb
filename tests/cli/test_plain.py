"""Values for people: what becomes JSON, how it is shown, and how tables are built."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.cli.plain import plain, text_of
from nbgraph.cli.screen import columns_of, safe
from nbgraph.codec import Record, Redacted, decode, encode
from tests.codec.samples import ARRAYS, FRAMES, OBJECTS, PLAIN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ({1: "a", "1": "b"}, [[1, "a"], ["1", "b"]]),
        ({(1, 2): 3}, {"[1, 2]": 3}),
        ({3, 20, 1}, [1, 3, 20]),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (Redacted("key 'password'"), "<redacted: key 'password'>"),
        (Record("dataclass", "shop:Item", {"price": 3}), {"$class": "shop:Item", "price": 3}),
    ],
)
def test_what_values_become(value, expected):
    """A value without a JSON form has a readable one."""
    assert plain(value) == expected


def test_every_kind_of_value_has_a_readable_form():
    """Whatever the codec keeps, read without its classes, is JSON data in the end; an immense number too."""
    for value in (*PLAIN, *OBJECTS, *ARRAYS, *FRAMES, 1 << 20_000):
        text = text_of(plain(decode(encode(value), frozen=True)))
        assert text.isascii()
        json.loads(text, parse_constant=pytest.fail)


@given(st.text())
def test_shown_text_is_printable(text):
    """Whatever the text, what is shown of it is printable and on one line."""
    assert safe(text).isprintable()


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    )
)
def test_documents_are_ascii_and_valid(value):
    """Any value's document is ASCII and strict JSON."""
    text = text_of(plain(value))
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)


def test_wide_characters_keep_columns_straight():
    """A character that takes two places counts for two."""
    lines = columns_of([{"a": "漢字", "b": 1}, {"a": "e\u0301x", "b": 2}], ["a", "b"])
    assert lines == ["a     b", "漢字  1", "e\u0301x    2"]
