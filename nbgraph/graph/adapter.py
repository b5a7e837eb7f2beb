"""Nodes of a subgraph with a record class of its own, as functions of a plain mapping.

Owns the wrapping: the record goes in, the returned record comes out as an update. The engine knows only
the outermost schema, and need not know more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nbgraph.errors import IsolationError
from nbgraph.graph.routes import Result
from nbgraph.graph.schema import Schema


def on_records(fn: Callable[..., Any], schema: Schema, *, is_async: bool) -> Callable[..., Any]:
    """Return a node function that takes a mapping for one that takes the schema's record."""
    if is_async:

        @functools.wraps(fn)
        async def awaiting(state: Mapping[str, Any], *ctx: Any) -> Any:
            record = schema.record(state)
            return _read_back(schema, record, state, await fn(record, *ctx))

        return awaiting

    @functools.wraps(fn)
    def calling(state: Mapping[str, Any], *ctx: Any) -> Any:
        record = schema.record(state)
        return _read_back(schema, record, state, fn(record, *ctx))

    return calling


def predicate_on_records(when: Callable[[Any], Any], schema: Schema) -> Callable[[Any], Any]:
    """Return a predicate of a mapping for one of the schema's record."""

    @functools.wraps(when)
    def asking(state: Mapping[str, Any]) -> Any:
        return when(schema.record(state))

    return asking


def _read_back(schema: Schema, record: Any, state: Mapping[str, Any], returned: Any) -> Any:
    field = schema.changed_field(record, state)
    if field is not None:
        raise IsolationError(
            f"field {field!r} of the given state was changed, in place",
            still="no other task saw the change",
            todo="return the new value instead: return {'field': ...}",
            field=field,
        )
    if schema.is_record(returned):
        return schema.update_of(returned, state)
    if isinstance(returned, Result) and schema.is_record(returned.update):
        return replace(returned, update=schema.update_of(returned.update, state))
    return returned
