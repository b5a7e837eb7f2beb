"""Secrets are not written; while the run lives, nodes still have them."""

from __future__ import annotations

import pytest
from pydantic import SecretBytes, SecretStr

from nbgraph.codec import Redacted, Redaction, decode, encode, keep
from nbgraph.errors import CodecError
from tests.codec.samples import TYPES, Base, Login

SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    ("value", "redact"),
    [
        (SecretStr(SECRET), None),
        ({"a": [SecretBytes(SECRET.encode())]}, None),
        (Login(user="u", token=SecretStr(SECRET)), None),
        ({"API_Key": SECRET, "a": 1}, Redaction()),
        ([{"x": {"Password": {"deep": SECRET}}}], Redaction()),
        ({1: 2, "secret": SECRET}, Redaction()),
        (Base(SECRET), Redaction(keys=frozenset({"Name"}))),
        ({"note": f"it is {SECRET}"}, Redaction(hook=lambda _, v: "***" if isinstance(v, str) and SECRET in v else v)),
        ({"password": SECRET * 10_000}, Redaction()),
    ],
)
def test_a_secret_is_in_the_copy_and_not_in_the_text(value, redact):
    """The text and the blobs hold no secret; the live copy is the value itself."""
    blobs: dict[str, bytes] = {}
    text, kept = keep(value, types=TYPES, redact=redact, blobs=blobs)
    assert SECRET not in text + str(blobs)
    assert value == kept
    decode(text, types=TYPES)


def test_a_field_is_redacted_by_its_own_name():
    """name= covers atoms and containers; an empty secret stays visible as None."""
    for value in (SECRET, [SECRET]):
        assert ('{"$redacted":"key api_key"}', value) == keep(value, redact=Redaction(), name="API_KEY")
    assert ("null", None) == keep(None, redact=Redaction(), name="password")


def test_a_redacted_value_shows_itself_and_refuses_to_be_used():
    """Using what was never written says what to do; its text stays the same."""
    hidden = decode(encode(SecretStr(SECRET)))
    assert isinstance(hidden, Redacted)
    assert "redacted" in repr(hidden)
    for use in (str, bytes, len, bool, list, lambda h: f"{h}", lambda h: "Bearer " + h, lambda h: h.get_secret_value()):
        with pytest.raises(CodecError) as caught:
            use(hidden)
        assert "environment" in caught.value.todo
    assert encode(SecretStr(SECRET)) == encode(hidden) == keep(hidden)[0]


def test_a_hook_sees_paths_from_the_outside_in():
    """hook(path, value) is called for every value, containers first."""
    seen = []
    keep({"a": [1]}, redact=Redaction(hook=lambda path, value: seen.append(path) or value))
    assert ["$", "$.a", "$.a[0]"] == seen
