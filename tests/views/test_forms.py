"""A question's schema as fields, and what is filled into them as data: the engine's own forms are the measure."""

from __future__ import annotations

import datetime as dt
import enum
import json
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from nbgraph.engine.forms import build, check, describe
from nbgraph.engine.forms.showing import path_text
from nbgraph.views.drafts import UnreadableError, steps_of, value_of
from nbgraph.views.forms import form_of


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Fix:
    file: str
    line: int
    level: Level = Level.LOW
    tags: list[str] = field(default_factory=list)


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("bool", bool),
        ("choice", Literal["a", 1]),
        ("choice", Level),
        ("text", str),
        ("text", dt.date),
        ("text", Decimal),
        ("integer", int),
        ("number", float),
        ("list", list[int]),
        ("list", set[str]),
        ("tuple", tuple[int, str]),
        ("record", Fix),
        ("map", dict[str, float]),
        ("union", int | str),
        ("text", str | None),
        ("json", None),
    ],
)
def test_a_type_gets_its_kind_of_control(kind: str, asked: Any):
    """Every type that a node can ask for has a control; what says nothing is written as JSON."""
    assert kind == form_of(describe(asked))["kind"]


@pytest.mark.parametrize(
    ("value", "asked", "draft"),
    [
        (True, bool, True),
        (1, Literal["a", 1], 1),
        (Level.HIGH, Level, 1),
        (12, int, " 12 "),
        (10**30, int, "1" + "0" * 30),
        (0.5, float, ".5"),
        (Decimal("1.10"), Decimal, "1.10"),
        (dt.date(2024, 12, 31), dt.date, "2024-12-31"),
        ([1, 2], list[int], ["1", "2"]),
        ((1, "a"), tuple[int, str], ["1", "a"]),
        (Fix("a.py", 3), Fix, {"file": "a.py", "line": "3", "level": None, "tags": None}),
        (Fix("", 3, Level.HIGH, ["x"]), Fix, {"file": "", "line": "3", "level": 1, "tags": ["x"]}),
        ({"a": 1.0}, dict[str, float], [["a", "1"]]),
        ("12", int | str, {"option": 1, "draft": "12"}),
        (None, str | None, None),
        (Tree("a", [Tree("b")]), Tree, {"name": "a", "children": [{"name": "b", "children": []}]}),
        ([1, {"a": None}], None, '[1, {"a": null}]'),
    ],
)
def test_a_filled_in_form_is_an_answer_that_fits(value: Any, asked: Any, draft: Any):
    """What the controls hold is read as data that the engine takes, and builds the value from."""
    schema = describe(asked)
    found = value_of(form_of(schema), draft)
    check(schema, found)
    assert value == build(asked, found)


def test_what_does_not_fit_stays_as_it_was_typed():
    """A word where a number belongs goes on as a word: the engine says so, and nothing is lost."""
    assert {"file": "a", "line": "twelve"} == value_of(form_of(describe(Fix)), {"file": "a", "line": "twelve"})


def test_a_text_that_is_no_json_is_told_with_its_place():
    """A JSON field that cannot be read is the page's problem, told with the way to it."""
    with pytest.raises(UnreadableError, match="no JSON") as caught:
        value_of(form_of(describe(dict[str, Any])), [["a", "{"]])
    assert ["a"] == caught.value.steps


def test_limits_are_told_to_the_page():
    """A control knows the limits that the type has, as hints."""
    form = form_of(describe(Annotated[int, Field(ge=1, le=9)]))
    assert {"kind": "integer", "minimum": 1, "maximum": 9} == form


def test_a_type_that_holds_itself_ends_in_json():
    """A form is finite, however deep its type goes."""
    assert len(json.dumps(form_of(describe(Tree)))) < 5_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["type", "enum", "const", "$ref", "anyOf", "items", "properties", "prefixItems", "format", "$defs"]
)
KINDS = st.sampled_from(["string", "integer", "object", "array", "boolean", "null", "#/$defs/a", "decimal"])


@given(st.dictionaries(WORDS, JSON | KINDS | st.lists(st.dictionaries(WORDS, JSON | KINDS), max_size=3)), JSON)
def test_any_schema_and_any_draft_are_borne(schema: Any, draft: Any):
    """A schema from a file and a draft from a page may be anything: there is a form, and data or the one refusal."""
    form = form_of(schema)
    json.dumps(form)
    with suppress(UnreadableError):
        json.dumps(value_of(form, draft))


@given(st.lists(st.text() | st.integers(min_value=0, max_value=10**6)))
def test_the_path_of_a_refusal_leads_back_to_its_field(steps: list[Any]):
    """A path as the engine writes it is read back as the same steps."""
    assert steps == steps_of(path_text(steps))
