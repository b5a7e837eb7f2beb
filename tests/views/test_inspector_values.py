"""Values as trees: folded where they are long, opened piece by piece, and nothing of a value's own class in the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nbgraph.codec import Record, Redacted
from nbgraph.views.inspector.changes import changes
from nbgraph.views.inspector.parts import found_at
from nbgraph.views.inspector.values import Budget, opened, shown


class Colour(Enum):
    RED = "red"


@dataclass
class Item:
    name: str
    price: float


class Pair(NamedTuple):
    left: int
    right: int


class Model(BaseModel):
    size: int


class Nasty:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def tree(value: Any) -> dict[str, Any]:
    return shown(value, Budget())


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "none", "None"),
        (True, "bool", "True"),
        pytest.param(10**5000, "number", None, id="a huge number"),
        (float("nan"), "number", "nan"),
        ("a<b>\0", "text", "a<b>\ufffd"),
        (b"\x00ab", "bytes", "b'\\x00ab'"),
        (Colour.RED, "other", "<Colour.RED: 'red'>"),
        (Redacted("key 'password'"), "redacted", "<redacted: key 'password'>"),
        (Nasty(), "other", "<Nasty, which cannot be shown: RuntimeError>"),
    ],
)
def test_a_leaf_is_its_text(value: Any, kind: str, text: str | None):
    """Each kind of leaf shows itself in a line, whatever its own class does."""
    leaf = tree(value)
    assert kind == leaf["k"]
    assert text is None or text == leaf["s"]
    assert 300 > len(leaf["s"])


@pytest.mark.parametrize(
    "value",
    [
        Item("lamp", 2.5),
        {"name": "lamp", "price": 2.5},
        Record("dataclass", "shop:Item", {"name": "lamp", "price": 2.5}),
    ],
)
def test_a_record_is_shown_by_its_fields(value: Any):
    """A dataclass, a dict and a record of an unknown class have the same parts."""
    assert [["name", "lamp"], ["price", "2.5"]] == [[label, node["s"]] for label, node in tree(value)["c"]]


def test_types_are_named():
    """The type hint is the class's own name; the store's frozen containers are called what they stand for."""
    named = [tree(value)["t"] for value in ([], {}, Pair(1, 2), Model(size=1), Record("dataclass", "shop:Item", {}))]
    assert ["list", "dict", "Pair", "Model", "Item"] == named


def test_a_long_list_is_opened_in_pieces():
    """The first twenty items come with the list, a hundred with each request, none twice and none left out."""
    value = list(range(250))
    first = tree({"items": value})["c"][0][1]
    labels, left = [label for label, _ in first["c"]], first["m"]
    while left:
        piece = opened(found_at({"items": value}, [0]), len(labels))
        labels, left = [*labels, *(label for label, _ in piece["c"])], piece["m"]
    assert [str(place) for place in range(250)] == labels


def test_a_long_text_is_opened_in_pieces():
    """A text comes folded; its pieces give it back, whole."""
    text = "".join(chr(97 + place % 26) for place in range(100_000))
    node = tree(text)
    said, left = node["s"], node["m"]
    while left:
        piece = opened(text, len(said))
        said, left = said + piece["s"], piece["m"]
    assert text == said


def test_a_frame_is_a_table_of_plain_cells():
    """A DataFrame shows its shape, its columns with their types, and its first rows as text."""
    frame = pd.DataFrame({"<b>": ["x", None] * 50, "n": np.arange(100) / 3})
    node = tree(frame)
    assert ("table", "DataFrame", "100 × 2", ["", "<b>", "n"]) == tuple(node[key] for key in ("k", "t", "s", "head"))
    assert ["1", "None" if frame.iloc[1, 0] is None else "nan", "0.333333"] == node["rows"][1]
    assert 92 == node["m"]
    assert 92 == len(opened(frame, 8)["rows"])


def test_an_array_is_a_table_with_shape_and_type():
    """An array shows its shape and dtype; more than two dimensions are laid flat."""
    assert ("2 × 3 int64", [["0", "0", "1", "2"], ["1", "3", "4", "5"]]) == tuple(
        tree(np.arange(6).reshape(2, 3))[key] for key in ("s", "rows")
    )
    assert "table" == tree(np.zeros((2, 2, 2)))["k"] == tree(np.array(3.0))["k"]


def test_the_budget_closes_what_comes_late():
    """When a message is full, what comes after is shown closed, not left out."""
    value = [{str(key): "x" * 500 for key in range(20)} for _ in range(20)]
    budget = Budget(5_000)
    node = shown(value, budget)
    assert 20 == len(node["c"]) + node["m"]
    assert 2_000 > -budget.left
    assert {"k": "list", "t": "list", "n": 1, "m": 1} == shown([1], Budget(0))


def test_three_levels_are_open_at_first():
    """What lies deeper is shown closed and comes when it is opened."""
    node, levels = tree([[[[[1]]]]]), 0
    while "c" in node:
        node, levels = node["c"][0][1], levels + 1
    assert (3, 1) == (levels, node["m"])


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_every_path_that_is_shown_leads_to_its_value(value: Any):
    """Places in the tree are places in the value: what a page asks for is what it is given."""

    def check(node: dict[str, Any], path: list[int]) -> None:
        assert node == shown(found_at(value, path), Budget(10**9), 9 - len(path))
        for place, (_, child) in enumerate(node.get("c", ())):
            check(child, [*path, place])

    check(shown(value, Budget(10**9), 9), [])


def test_a_path_that_leads_nowhere_is_an_error():
    """A page that asks for what is not there is told so."""
    with pytest.raises(LookupError):
        found_at({"a": [1]}, [0, 5])


def change(before: Any, after: Any) -> dict[str, Any]:
    (one,) = changes({"f": before}, {"f": after}, ["f"])
    return one


def test_a_list_that_grew_shows_what_it_gained():
    """Appending is told as what was appended."""
    grown = change([1, 2], [1, 2, 3])
    assert (2, [["0", "3"]]) == (grown["had"], [[label, node["s"]] for label, node in grown["gained"]["c"]])


def test_a_small_difference_inside_is_told_by_its_place():
    """One changed entry of a large value is one line."""
    assert [["f.b[1]", "2", "5"]] == change({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 5]})["parts"]


def test_texts_are_compared_line_by_line():
    """A changed text shows the lines that went and came, with a few around."""
    before = "\n".join(f"line {number}" for number in range(50))
    lines = change(before, before.replace("line 25", "line twenty-five"))["lines"]
    assert [["-", "line 25"], ["+", "line twenty-five"]] == [line for line in lines if line[0] != " "]
    assert 6 == len(lines)


def test_added_removed_and_rewritten_fields_are_told_apart():
    """A field that is new, one that is gone, and one that was written with the value that it had."""
    assert ["added", "same"] == [changes({}, {"f": 1}, ["f"])[0]["how"], change(1, 1)["how"]]
    assert "removed" == changes({"f": 1}, {}, ["f"])[0]["how"]
    assert "changed" == change(1, True)["how"]


def test_frames_can_be_compared():
    """Values whose own comparison gives no yes or no are compared by what is kept of them."""
    assert "same" == change(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}))["how"]
    assert "changed" == change([np.arange(3)], [np.arange(3), np.arange(2)])["how"]
