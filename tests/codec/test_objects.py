"""Classes come back from what the reader was handed, or as records; users may teach others."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Annotated, TypedDict

import pytest

from nbgraph.codec import NO_TYPES, Record, Types, decode, encode, keep, register_codec
from nbgraph.errors import CodecError
from tests.codec.samples import OBJECTS, TYPES, Base, Colour, Point, Slotted


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_an_unknown_class_loads_as_a_record_with_the_same_text(value):
    """Nothing is looked up: without types a value is a record that encodes to the same text."""
    text = encode(value)
    back = decode(text)
    assert text == encode(back)
    assert back == decode(text)
    assert text == encode(pickle.loads(pickle.dumps(back)))


def test_a_record_is_read_by_attribute_and_never_written():
    """Records show fields as attributes and refuse assignment."""
    record = decode(encode(Base("n", [1])))
    assert isinstance(record, Record)
    assert ("n", [1]) == (record.name, record.parts)
    with pytest.raises(AttributeError, match="read-only"):
        record.name = "m"
    with pytest.raises(AttributeError, match="no field"):
        _ = record.other


def test_types_are_found_in_a_schema():
    """Types.of follows fields, containers, unions and annotations, and joins with |."""

    class State(TypedDict):
        where: Annotated[list[Slotted] | None, "reducer"]

    assert {"Slotted", "Colour", "Point"} == {cls.__name__ for cls in Types.of(State)}
    assert 4 == len(Types.of(State) | Types.of(Base))
    assert 0 == len(NO_TYPES)


def test_a_class_that_moved_on_is_filled_in_or_loads_as_a_record():
    """A new field with a default is filled in; a removed field makes a record, which loses nothing."""
    name = f"{Base.__module__}:Base"
    newer = dataclasses.make_dataclass("Base", [("name", str), ("parts", list), ("more", int, 5)])
    older = dataclasses.make_dataclass("Base", [("name", str)])
    text = encode(Base("n"))
    assert 5 == decode(text, types=Types({name: newer})).more
    assert isinstance(decode(text, types=Types({name: older})), Record)


def test_a_name_of_another_kind_is_not_forced_into_shape():
    """A text that calls an Enum a dataclass gives a record."""
    text = encode(Colour.RED).replace('"$enum"', '"$dataclass"').replace('"name":"RED"', '"fields":{}')
    assert isinstance(decode(text, types=TYPES), Record)


class Celsius:
    """Needs a codec."""

    def __init__(self, degrees):
        self.degrees = degrees


def test_registered_types_come_back_and_registering_again_replaces():
    """register_codec serves exactly its class, in encode, decode and keep."""
    register_codec(Celsius, name="test:celsius", to_plain=lambda c: [c.degrees], from_plain=lambda p: Celsius(*p))
    assert '{"$type":"test:celsius","plain":[20]}' == encode(Celsius(20))
    assert 20 == decode(encode(Celsius(20)), frozen=True).degrees
    register_codec(Celsius, name="test:celsius", to_plain=lambda c: c.degrees, from_plain=Celsius)
    assert 21 == keep({"t": Celsius(21)})[1]["t"].degrees
    assert isinstance(decode('{"$type":"test:nobody","plain":1}'), Record)


def test_a_codec_needs_both_functions_unless_the_class_is_known():
    """A dataclass registers by itself; anything else needs to_plain and from_plain."""
    stranger = dataclasses.make_dataclass("Registered", ["x"])
    register_codec(stranger)
    assert stranger(1) == decode(encode(stranger(1)))
    assert stranger(1) == keep(stranger(1))[1]
    with pytest.raises(CodecError, match="to_plain"):
        register_codec(Celsius, name="half", to_plain=str)


def test_no_code_of_a_class_runs_when_it_is_read():
    """__init__ and __post_init__ are not called: what was stored is what comes back."""

    @dataclasses.dataclass
    class Loud:
        x: int

        def __post_init__(self):
            self.x += 1

    assert 1 == decode(encode(Loud(0)), types=Types.of(Loud)).x
    assert Point(1, []) == decode(encode(Point(1, [])), types=TYPES)
