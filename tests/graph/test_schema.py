"""A schema reads every kind of record alike, and an input becomes a state by one rule."""

import dataclasses
import enum
import subprocess
import sys
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pydantic
import pytest

from nbgraph.codec.frozen import FrozenDict, FrozenList
from nbgraph.errors import GraphError, StateError
from nbgraph.graph.reducers import add, append, extend, union
from nbgraph.graph.schema import Schema, TypeProblem


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Item:
    name: str
    colour: Colour = Colour.RED


class Base(TypedDict):
    log: Annotated[list[str], append]
    item: Item


class Typed(Base, total=False):
    count: int
    must: Required[int]


@dataclasses.dataclass
class Data:
    item: Item
    count: int = 3
    log: Annotated[list[str], append] = dataclasses.field(default_factory=lambda: ["first"])


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    item: Item
    count: int = 3
    log: Annotated[list[str], append] = dataclasses.field(default_factory=lambda: ["first"])


class Model(pydantic.BaseModel):
    item: Item
    count: int = pydantic.Field(default=3, gt=0)
    log: Annotated[list[str], append] = ["first"]
    _private: int = 7


PLAIN = {"log": Annotated[list[str], append], "item": Item, "count": int}
RECORDS = [Data, Slotted, Model]
KINDS = [(Typed, "typeddict"), (Data, "dataclass"), (Slotted, "dataclass"), (Model, "pydantic"), (PLAIN, "plain")]


@pytest.mark.parametrize(("obj", "kind"), KINDS)
def test_every_kind_gives_fields_reducers_and_types(obj, kind):
    """Inherited fields, reducers in annotations and classes inside types are found."""
    schema = Schema.of(obj)
    assert kind == schema.kind
    assert {"log", "item", "count"} <= set(schema.fields)
    assert append is schema.fields["log"].reducer
    assert "set" == schema.fields["count"].reducer.name
    assert {Item, Colour} == set(schema.types)
    assert not schema.open


def test_required_and_not_required_are_read():
    """Through inheritance, ``total=False``, and wrappers in either order."""

    class Odd(TypedDict):
        a: NotRequired[Annotated[list[int], append]]
        b: Annotated[NotRequired[int], "note"]

    assert {"log", "item", "must"} == {n for n, f in Schema.of(Typed).fields.items() if f.required}
    odd = Schema.of(Odd)
    assert not odd.fields["a"].required
    assert append is odd.fields["a"].reducer
    assert not odd.fields["b"].required


@pytest.mark.parametrize("nothing", [None, dict])
def test_an_open_schema_takes_any_field(nothing):
    """Without a schema a state has whatever it is given."""
    schema = Schema.of(nothing)
    assert schema.open
    assert {"x": object} == schema.initial({"x": object})
    assert "set" == schema.find("x").reducer.name


@pytest.mark.parametrize("obj", [3, int, {"a": int, 3: int}, {"a": Annotated[int, append]}, "text"])
def test_what_is_no_schema_is_refused(obj):
    """The error says what would be one."""
    with pytest.raises(GraphError):
        Schema.of(obj)


def test_annotations_that_cannot_be_resolved_are_named():
    """A type that no cell has defined yet is an error with its name."""
    broken = TypedDict("Broken", {"a": "Nowhere"})  # noqa: F821, UP013 - the point of the test
    with pytest.raises(GraphError, match="Nowhere"):
        Schema.of(broken)


@pytest.mark.parametrize("obj", RECORDS)
def test_an_input_is_laid_over_defaults(obj):
    """Defaults first, also of a reducer's field; what is given is a whole value."""
    item = Item("x")
    assert {"count": 3, "log": ["first"], "item": item} == Schema.of(obj).initial({"item": item})
    assert ["mine"] == Schema.of(obj).initial({"log": ["mine"]})["log"]
    assert {"count": 4, "log": ["a"], "item": item} == Schema.of(obj).initial(obj(item=item, count=4, log=["a"]))


def test_without_default_a_reducers_field_starts_from_its_identity():
    """A sum starts from its type's zero; a field without anything is absent."""
    schema = Schema.of(
        {"log": Annotated[list, extend], "sum": Annotated[float, add], "seen": Annotated[set, union], "x": int}
    )
    assert {"log": [], "sum": 0.0, "seen": set()} == schema.initial()


def test_defaults_are_not_shared():
    """Two runs do not share one list."""
    for obj in RECORDS:
        schema = Schema.of(obj)
        assert schema.initial()["log"] is not schema.initial()["log"]


def test_an_unknown_field_names_the_nearest():
    """A typing error in an input is told at once."""
    with pytest.raises(StateError, match="did you mean 'count'") as caught:
        Schema.of(Data).initial({"cuont": 1})
    assert ("cuont", "count") == (caught.value.field, caught.value.expected)
    assert Schema.of(Data).nearest("qqqq") is None


def test_a_mistyped_input_names_path_and_types():
    """Field, place inside it, what was expected and what came."""
    with pytest.raises(StateError) as caught:
        Schema.of(Data).initial({"log": ["a", 3]})
    assert ("log", "log[1]", "str", "int") == tuple(
        getattr(caught.value, n) for n in ("field", "path", "expected", "actual")
    )
    with pytest.raises(StateError, match="not a mapping"):
        Schema.of(Data).initial(3)


CHECKS = [
    (int, [1, -5], [True, 1.0, "1", None]),
    (float, [1.0, 1], [True, "1"]),
    (bool, [True], [1, 0]),
    (str, [""], [b"", None]),
    (None, [None], [0]),
    (list, [[1], FrozenList([1])], [(1,), "x"]),
    (dict, [{}, FrozenDict()], [[]]),
    (Any, [1, None, object()], []),
    (list[int], [[], [1], FrozenList([1])], [["a"], [True], (1,)]),
    (dict[str, list[int]], [{"a": [1]}, FrozenDict(a=FrozenList([1]))], [{1: [1]}, {"a": ["b"]}]),
    (tuple[int, str], [(1, "a")], [(1,), [1, "a"], ("a", 1)]),
    (tuple[int, ...], [(), (1, 2)], [("a",)]),
    (set[int], [{1}], [{"a"}, frozenset({1})]),
    (int | None, [1, None], ["a", True]),
    (list[int] | str, ["a", [1]], [["a"], 1]),
    (Literal["a", 1], ["a", 1], ["b", True]),
    (Item, [Item("x")], [{"name": "x"}, Item]),
    (list[Item], [[Item("x")]], [[3]]),
    (
        Base,
        [{"log": [], "item": Item("x")}],
        [{"log": []}, {"log": [], "item": Item("x"), "more": 1}, {"log": [], "item": 3}],
    ),
    (Model, [Model(item=Item("x"))], [{}]),
    (Colour, [Colour.RED], [1]),
    (type[int], [int, bool], [str, 3]),
    (Annotated[int, pydantic.Field(gt=3)], [4], [3, "x"]),
    (list[Annotated[int, pydantic.Field(gt=3)]], [[4]], [[3]]),
]


@pytest.mark.parametrize(("annotation", "good", "bad"), CHECKS, ids=lambda each: str(each).partition(" at 0x")[0])
def test_values_are_checked_strictly_and_not_coerced(annotation, good, bad):
    """An int is fine for a float and a bool is not for an int; subclasses of containers are fine."""
    spec = Schema.of({"x": annotation}).fields["x"]
    for value in good:
        spec.check(value)
    for value in bad:
        with pytest.raises(TypeProblem):
            spec.check(value)


@pytest.mark.parametrize(
    ("annotation", "value", "path"),
    [
        (dict[str, list[int]], {"a": [1, "x"]}, "['a'][1]"),
        (list[int] | str, [1, "x"], "[1]"),
        (Base, {"log": [3], "item": Item("x")}, "['log'][0]"),
        (list[Annotated[int, pydantic.Field(gt=3)]], [4, 3], "[1]"),
    ],
)
def test_a_problem_says_where_inside_the_value_it_is(annotation, value, path):
    """The path leads to the one wrong item."""
    with pytest.raises(TypeProblem) as caught:
        Schema.of({"x": annotation}).fields["x"].check(value)
    assert path == caught.value.path


def test_an_update_of_a_reducers_field_is_what_the_reducer_takes():
    """One item for ``append``, a list for ``extend``; the whole value stays a list for both."""
    schema = Schema.of({"a": Annotated[list[int], append], "e": Annotated[list[int], extend], "c": Annotated[int, max]})
    schema.fields["a"].check(1)
    schema.fields["e"].check([1])
    schema.fields["c"].check("a user's own reducer may take anything")
    for name, wrong in (("a", [1]), ("e", 1)):
        with pytest.raises(TypeProblem):
            schema.fields[name].check(wrong)
    for name, wrong in (("a", 1), ("e", 1), ("c", "x")):
        with pytest.raises(TypeProblem):
            schema.fields[name].check_value(wrong)


@pytest.mark.parametrize("obj", RECORDS)
def test_a_node_gets_the_record_class_itself(obj):
    """Exactly the class, values untouched, nothing run; what has no value is no attribute."""
    schema, log = Schema.of(obj), FrozenList(["a"])
    record = schema.record({"log": log, "count": -1})
    assert obj is type(record)
    assert log is record.log
    assert -1 == record.count
    with pytest.raises(AttributeError, match="item"):
        _ = record.item


@pytest.mark.parametrize("obj", RECORDS)
def test_a_returned_record_is_an_update_of_what_differs(obj):
    """Neither what the node was given nor a default counts as said."""
    schema, item = Schema.of(obj), Item("x")
    given = {"item": item, "count": 5, "log": FrozenList(["a"])}
    assert {"count": 9} == schema.update_of(obj(item=item, count=9), given)
    assert {"item": Item("y")} == schema.update_of(obj(item=Item("y")), given)
    assert {} == schema.update_of(schema.record(given), given)


@pytest.mark.parametrize("obj", [Data, Model])
def test_a_record_that_was_changed_tells_which_field(obj):
    """Setting or deleting an attribute of what a node was given is seen."""
    schema, values = Schema.of(obj), {"item": Item("x"), "count": 5}
    record = schema.record(values)
    assert schema.changed_field(record, values) is None
    record.count = 6
    assert "count" == schema.changed_field(record, values)


def test_private_fields_of_a_send_are_visible_on_a_record():
    """A slotted class has no room for them, and says so instead of losing them."""
    assert 1 == Schema.of(Data).record({"file": 1}).file
    assert 1 == Schema.of(Model).record({"file": 1}).file
    with pytest.raises(StateError, match="slots"):
        Schema.of(Slotted).record({"file": 1})


def test_a_models_private_attributes_are_there():
    """A record made without ``__init__`` is a whole model."""
    assert 7 == Schema.of(Model).record({"count": 1})._private
    assert {"count": 1} == Schema.of(Model).record({"count": 1}).model_dump()


def test_a_class_whose_cell_ran_again_is_the_same_type():
    """An instance made before the re-run is still accepted."""

    def make():
        @dataclasses.dataclass
        class Thing:
            x: int = 0

        return Thing

    old, new = make(), make()
    Schema.of({"thing": new}).fields["thing"].check(old())
    assert Schema.of(new).is_record(old())


def test_ordinary_schemas_import_no_pydantic():
    """Checking lists, dicts and dataclasses costs no import."""
    code = (
        "import sys; from nbgraph.graph.schema import Schema;"
        "Schema.of({'x': dict[str, list[int]]}).fields['x'].check({'a': [1]});"
        "sys.exit(any(name in sys.modules for name in ('pydantic', 'numpy', 'pandas', 'graphviz', 'asyncio')))"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
