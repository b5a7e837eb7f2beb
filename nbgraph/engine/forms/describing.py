"""The form of a type.

Owns ``describe``: which types can be asked for, and what pydantic's JSON Schema of them is made to say. Knows
nothing of answers.
"""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Iterable
from typing import Any, cast

from nbgraph.engine.forms.adapter import adapter
from nbgraph.engine.forms.reading import read_form
from nbgraph.engine.forms.refusals import unaskable
from nbgraph.errors import QuestionError


def describe(schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type: small, sorted, without module names; ``{}`` (anything) for None and Any.

    Raises ``QuestionError`` for a type whose values JSON cannot give back, and for secrets: answers are kept in a file.

    >>> describe(list[int])
    {'items': {'type': 'integer'}, 'type': 'array'}
    """
    if schema is None or schema is Any:
        return {}
    try:
        form = read_form(adapter(schema).json_schema(schema_generator=_generator()))
        text = json.dumps(form, allow_nan=False, sort_keys=True)
    except QuestionError:
        raise
    except Exception as error:
        raise unaskable(schema, _why(error)) from error
    if '"format": "password"' in text:
        raise unaskable(schema, "an answer is kept in the store's file, and a secret must not be")
    return cast("dict[str, Any]", json.loads(text))


def _why(error: Exception) -> str:
    """Return in a line why pydantic cannot describe a type."""
    if isinstance(error, RecursionError):
        return "it holds itself; before Python 3.12, write it with typing_extensions.TypedDict"
    known = type(error).__module__.startswith("pydantic")
    return str(error).split("\n\n")[0] if known else f"it is no type that pydantic knows ({error!r})"


@functools.cache
def _generator() -> Any:
    """Return pydantic's generator of JSON Schemas, changed where its result says less than the type."""
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - slow; most runs ask nothing

    class Generator(GenerateJsonSchema):
        def decimal_schema(self, schema: Any) -> Any:
            number = super().decimal_schema(schema)["anyOf"][0]  # limits hold for a decimal's text as well
            return {**number, "type": ["number", "string"], "format": "decimal"}

        def enum_schema(self, schema: Any) -> Any:
            _require_scalars(schema["members"])
            return super().enum_schema(schema)

        def literal_schema(self, schema: Any) -> Any:
            _require_scalars(schema["expected"])
            return super().literal_schema(schema)

        def render_warning_message(self, kind: Any, detail: str) -> None:
            """Say nothing: what is left out (a default without JSON) is no part of a form."""

    return Generator


def _require_scalars(options: Iterable[Any]) -> None:
    for option in options:
        value = option.value if isinstance(option, enum.Enum) else option
        if value is not None and not isinstance(value, (str, int, float)):
            raise unaskable(type(option), f"JSON does not give back its option {option!r}")
