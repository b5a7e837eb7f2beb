"""What a verb answers: one document for programs, lines for people, an exit code.

Owns the shape, and the option ``--json`` that every verb has. Knows no verb, and nothing of streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

FINE, NO, FAILED = 0, 1, 2
"""Exit codes: done, and all is well; done, and the answer is no; it could not be done."""
JSON = "--json"


class Reply(NamedTuple):
    """A verb's answer. ``document`` is JSON data, as ``plain`` makes it."""

    document: Mapping[str, Any]
    lines: Sequence[str]
    code: int = FINE


def with_json(verb: _F) -> _F:
    """Give a verb the option ``--json``, which the program looks at: a verb gives both forms."""
    told = "Print one JSON document, also for errors."
    return click.option(JSON, is_flag=True, expose_value=False, help=told)(verb)
