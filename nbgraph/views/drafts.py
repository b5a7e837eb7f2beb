"""What was filled into a form's fields, as JSON data.

Owns how a *draft* (what the controls of ``forms`` hold) is read, and the way from a refusal back to its field. Pure. It
does not judge: what does not fit goes on as it was typed, and the engine says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbgraph.views.forms import Field

_WHOLE = re.compile(r"[+-]?\d{1,4000}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\]])*)\]")


class UnreadableError(ValueError):
    """A JSON text that is none: ``steps`` lead to its field, the message says what is wrong."""

    def __init__(self, steps: Sequence[Any], message: str) -> None:
        super().__init__(steps, message)
        self.steps, self.message = list(steps), message


_ABSENT = object()
"""What an untouched control holds."""


def value_of(form: Field, draft: Any) -> Any:
    """Return what a draft says, as JSON data; None for what is not filled in.

    A choice is kept by its place, numbers as they were typed, JSON as text. What does not fit stays as it is, for the
    engine to refuse. Raises ``UnreadableError`` for a JSON text that is none.

    >>> value_of({"kind": "integer"}, " 12 "), value_of({"kind": "integer"}, "twelve")
    (12, 'twelve')
    """
    found = _read(form, draft, ())
    return None if found is _ABSENT else found


def _read(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    if form["kind"] == "fixed":
        return form["value"]
    if draft is None:
        return None if form.get("nullable") else _ABSENT
    reader = _READERS[form["kind"]]
    return reader(form, draft, steps)


def _read_bool(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    return draft


def _read_choice(form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    inside = isinstance(draft, int) and not isinstance(draft, bool) and 0 <= draft < len(form["values"])
    return form["values"][draft] if inside else _ABSENT


def _read_text(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    return draft


def _read_integer(_form: Field, draft: Any, _steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    return int(text) if _WHOLE.fullmatch(text) else text or _ABSENT


def _read_number(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    if _WHOLE.fullmatch(text):
        return _read_integer(form, text, steps)
    return float(text) if _NUMBER.fullmatch(text) else text or _ABSENT


def _read_list(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = draft if isinstance(draft, list) else []
    return [_present(_read(form["item"], row, (*steps, place))) for place, row in enumerate(rows)]


def _read_tuple(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = draft if isinstance(draft, list) else []
    pairs = zip(form["items"], [*rows, *[None] * len(form["items"])], strict=False)
    return [_present(_read(item, row, (*steps, place))) for place, (item, row) in enumerate(pairs)]


def _read_record(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    given, found = draft if isinstance(draft, dict) else {}, {}
    for field in form["fields"]:
        name, inner = field["name"], given.get(field["name"])
        # What may be left out and is, gets the type's own default: that may be another one than "nothing".
        value = _ABSENT if inner is None and not field["needed"] else _read(field["form"], inner, (*steps, name))
        if value is not _ABSENT:
            found[name] = value
    return found


def _read_map(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    rows = [row for row in draft if isinstance(row, list) and len(row) == 2] if isinstance(draft, list) else []
    return {str(name): _present(_read(form["item"], inner, (*steps, str(name)))) for name, inner in rows}


def _read_union(form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    option = draft.get("option") if isinstance(draft, dict) else None
    if not isinstance(option, int) or not 0 <= option < len(form["options"]):
        return _ABSENT
    return _read(form["options"][option]["form"], draft.get("draft"), steps)


def _read_json(_form: Field, draft: Any, steps: tuple[Any, ...]) -> Any:
    text = str(draft).strip()
    if not text:
        return _ABSENT
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it nests too deep"
        raise UnreadableError(steps, f"this is no JSON: {said}{where}; texts stand in double quotes") from error


def _present(value: Any) -> Any:
    return None if value is _ABSENT else value


_READERS: Mapping[str, Callable[[Field, Any, tuple[Any, ...]], Any]] = {
    "bool": _read_bool,
    "choice": _read_choice,
    "text": _read_text,
    "integer": _read_integer,
    "number": _read_number,
    "list": _read_list,
    "tuple": _read_tuple,
    "record": _read_record,
    "map": _read_map,
    "union": _read_union,
    "json": _read_json,
}


def steps_of(path: str) -> list[Any]:
    """Return the steps of a path as an ``AnswerError`` writes it: names and places.

    >>> steps_of("items[0].name"), steps_of("['a b'][2]")
    (['items', 0, 'name'], ['a b', 2])
    """
    return [name or literal_eval(quoted) for name, quoted in _STEP.findall(path)]
