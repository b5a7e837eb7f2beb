"""What goes in comes out: same type, same content, same text."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbgraph.codec import FrozenDict, FrozenList, decode, encode, is_frozen, keep, thaw
from tests.codec.samples import ARRAYS, FRAMES, OBJECTS, PLAIN, TYPES, same

ALL = [*PLAIN, *OBJECTS, *ARRAYS, *FRAMES]

_atoms = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary()
    | st.decimals(allow_nan=False) | st.fractions() | st.uuids() | st.complex_numbers() | st.dates() | st.datetimes() | st.timedeltas()
    | st.times()
)  # fmt: skip
_hashable = st.recursive(_atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
values = st.recursive(
    _hashable,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | _hashable, inner, max_size=4)
        | st.sets(_hashable, max_size=3)
    ),
    max_leaves=15,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@pytest.mark.parametrize("value", ALL, ids=lambda value: type(value).__name__)
def test_every_sample_survives_with_its_type(value):
    """A value, its type and its text survive encoding, decoding and keeping."""
    text = encode(value)
    text.encode("utf-8")
    back = decode(text, types=TYPES)
    assert same(value, back)
    assert text == encode(back)
    kept_text, kept = keep(value, types=TYPES)
    assert (text, text) == (kept_text, encode(kept))


@settings(max_examples=150, deadline=None)
@given(values)
def test_generated_values_survive_with_their_types(value):
    """Round trips hold for any nesting of plain values."""
    text = encode(value)
    text.encode("utf-8")
    back = decode(text)
    assert same(value, back)
    assert (text, text) == (encode(back), encode(decode(text, frozen=True)))


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_the_fast_way_of_keep_gives_what_the_general_way_gives(value):
    """keep() of plain data equals encode() and a frozen decode(), order of keys included."""
    text, kept = keep(value)
    slow = decode(encode(value), frozen=True)
    assert encode(value) == text
    assert type(slow) is type(kept)
    assert repr(slow) == repr(kept)
    assert is_frozen(kept)


def test_equal_but_different_things_have_different_texts():
    """bool, int and float, and both zeros, are told apart; so are list, tuple and set."""
    different = [True, 1, 1.0, "1", b"1", 0, 0.0, -0.0, False, [1], (1,), {1}, frozenset({1}), {1: 1}, {"1": 1}]
    assert len(different) == len({encode(one) for one in different})


def test_order_of_insertion_does_not_show():
    """Equal dicts and sets have equal texts however they were built."""
    assert encode({"a": 1, "b": {3: 1, "x": 2}}) == encode({"b": {"x": 2, 3: 1}, "a": 1})
    assert encode({1, 9, 17, "a"}) == encode({"a", 17, 9, 1})


def test_text_does_not_depend_on_the_hash_seed():
    """Five processes with five hash seeds write the same bytes."""
    code = (
        "from nbgraph.codec import encode;"
        "print(encode([{'a','b','c',('d',1)}, {('x',): {'p','q'}, 'y': 2, b'z': 3}, frozenset('hello')]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(5)
    }
    assert 1 == len(texts)


def test_large_bytes_go_to_blobs_once():
    """Payloads of 64 KiB are kept by digest, smaller ones stay in the text, and a wrong blob is noticed."""
    blobs: dict[str, bytes] = {}
    value = [bytes(65_536), bytes(65_536), bytes(65_535)]
    text = encode(value, blobs=blobs)
    assert 1 == len(blobs)
    assert value == decode(text, blob=blobs.__getitem__)
    with pytest.raises(Exception, match="digest"):
        decode(text, blob=lambda digest: b"other")


def test_the_kept_copy_shares_nothing_that_can_change():
    """Changing what a node returned changes neither text nor copy; thaw gives a private, plain copy."""
    value = {"a": [1, {"b": []}]}
    _, kept = keep(value)
    value["a"][1]["b"].append(5)
    assert {"a": [1, {"b": []}]} == kept
    assert (FrozenDict, FrozenList) == (type(kept), type(kept["a"]))
    plain = thaw(kept)
    plain["a"][1]["b"].append(6)
    assert [] == kept["a"][1]["b"]


def test_importing_the_codec_imports_no_heavy_package():
    """numpy, pandas and pydantic are imported only when one of their values is met."""
    code = (
        "import sys, nbgraph.codec as c; c.keep({'a': (1,)}); print({'numpy','pandas','pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "set()" == done.stdout.strip()
