"""JSON trees to text and back, by the standard library's C code.

Owns the text's form: sorted keys, no spaces, readable characters, finite numbers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def to_text(node: Node) -> str:
    """Return a tree's canonical text."""
    return _ENCODER.encode(node)


def _no_constant(name: str) -> NoReturn:
    raise CodecError(f"{name} is not JSON", todo="floats without a JSON form are written as a tag")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def from_text(text: str) -> Any:
    """Return the tree of a text; raises ``ValueError``, ``RecursionError`` or ``CodecError`` if it is none."""
    return _DECODER.decode(text)
