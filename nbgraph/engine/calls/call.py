"""A call to be made: what the desk is given.

Owns the shape only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbgraph.codec import Types
from nbgraph.engine.calls.request import Request
from nbgraph.engine.calls.tally import Reader

if TYPE_CHECKING:
    from nbgraph.engine.calls.parts import Form


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be made: its request, how to make it (a coroutine where it is async), and what may come back."""

    request: Request
    perform: Callable[[], Any]
    types: Types
    key: str | None = None
    unknown: str = "retry"
    usage: Reader | None = None
    form: Form | None = None
    """How its answer is put on record, where that comes in parts: then ``perform`` gives it when it begins."""
