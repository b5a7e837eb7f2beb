"""One recorded call, or one question, as a span.

Owns its name and attributes: the GenAI conventions on calls of a model, HTTP's on a request. Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from nbgraph.analysis.costs import CallCost
from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.content import content_facts, text_of
from nbgraph.observe.tracing.identity import Identity, call_span
from nbgraph.observe.tracing.paid import of_model, paid_facts
from nbgraph.observe.tracing.pairing import Pair
from nbgraph.observe.tracing.requests import asked_facts, given_facts, http_facts, operation_of, wire_of
from nbgraph.observe.tracing.spans import Link, Mark, Span, Stretch


class Within(NamedTuple):
    """What a call is a part of: the run and drive, the parent span, and whether to tell what was said."""

    run: Identity
    drive: int
    parent: int
    content: bool
    known: dict[str, Identity]
    """Runs whose records may have served: their ids -> who they are."""


def call_of(pair: Pair, place: Stretch, cost: CallCost | None, within: Within) -> Span:
    """Return the span of a call."""
    asked, response = pair.request.get("asked"), pair.facts.get("response")
    wire = wire_of(asked)
    facts = {**_common(pair, within), names.CALL: _label(pair)}
    if pair.seconds is not None and pair.ended is not None:
        facts[names.SECONDS] = pair.seconds
    if pair.reused:
        facts[names.REUSED] = pair.reused
    if wire:
        facts |= http_facts(asked, response)
    name = _label(pair)
    model = cost is not None and of_model(cost)
    if cost is not None and model:
        operation, told = operation_of(asked), asked_facts(asked)
        facts |= {names.OPERATION: operation, **told, **given_facts(response), **paid_facts(cost)}
        if pair.entered:  # nobody saw what was done there
            operation = _label(pair)
            del facts[names.OPERATION]
        name = f"{operation} {facts.get(names.REQUEST_MODEL) or cost.model}".strip()
    if within.content:
        facts |= _said(asked, response)
    kind, words = _failure(pair, facts)
    if kind:
        facts[names.ERROR] = kind
    return Span(
        "call", call_span(within.run, pair.last.seq), within.parent, name, place.start, place.end, facts, words,
        _marks(pair, place), _links(pair, within), within.drive, wire or (model and not pair.entered),
    )  # fmt: skip


def question_of(pair: Pair, place: Stretch, within: Within) -> Span:
    """Return the span of a question to a person, from the asking to the answer."""
    facts = _common(pair, within)
    if within.content:
        facts |= {names.ASKED: text_of(pair.request.get("asked"))}
        facts |= {names.GIVEN: text_of(pair.facts["value"])} if "value" in pair.facts else {}
    return Span(
        "ask", call_span(within.run, pair.last.seq), within.parent, "ask", place.start, place.end, facts,
        drive=within.drive,
    )  # fmt: skip


def _common(pair: Pair, within: Within) -> dict[str, Any]:
    line = pair.last
    return {
        names.RUN: within.run.run_id,
        names.NODE: line.node,
        names.TASK: line.task,
        names.ATTEMPT: line.attempt,
        names.CALL_NAME: line.name,
        names.SEQ: line.seq,
        names.OUTCOME: "reused" if pair.reused else line.phase if pair.ended is not None else "open",
    }


def _label(pair: Pair) -> str:
    return str(pair.request.get("call") or pair.begun.name)


def _said(asked: Any, response: Any) -> dict[str, str]:
    found = {names.ASKED: text_of(asked), names.GIVEN: text_of(response), **content_facts(asked, response)}
    return {name: text for name, text in found.items() if text != "null"}


def _failure(pair: Pair, facts: dict[str, Any]) -> tuple[str, str]:
    """Return the type and the words of what went wrong, empty where nothing did."""
    error = pair.facts.get("error")
    if isinstance(error, dict):
        return str(error.get("type", "")), f"{error.get('type', '')}: {error.get('text', '')}"
    status = facts.get(names.STATUS_CODE, 0)
    return (str(status), f"HTTP status {status}") if status >= 400 else ("", "")


def _marks(pair: Pair, place: Stretch) -> tuple[Mark, ...]:
    error = pair.facts.get("error")
    return (exception(place.end, str(error.get("type")), str(error.get("text"))),) if isinstance(error, dict) else ()


def exception(time: int, kind: str, words: str) -> Mark:
    """Return the event of an exception, by the conventions."""
    return Mark(time, "exception", {names.EXCEPTION_TYPE: kind, names.EXCEPTION_MESSAGE: words})


def _links(pair: Pair, within: Within) -> tuple[Link, ...]:
    run_id, _, line = pair.reused.rpartition("/")
    origin = within.known.get(run_id)
    return () if origin is None else (Link(origin.trace, call_span(origin, int(line)), "reused"),)
