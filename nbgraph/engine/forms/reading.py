"""A form out of a JSON Schema that may say anything: pydantic's, or what stands in a file.

Owns what is taken over: the keywords known here, sorted, and definitions under short names. A reference leads to a
definition of the same form or is refused. Knows nothing of types and answers.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from nbgraph.engine.forms.keywords import KNOWN, LIMITS, OF_MANY, OF_ONE
from nbgraph.engine.forms.showing import SHOWN, cut


def read_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the form that a JSON Schema is here; raises anything for what is no JSON Schema.

    >>> read_form({"title": "Age", "type": "integer", "minimum": 0})
    {'minimum': 0, 'type': 'integer'}
    """
    return _Reading(schema).form()


class _Reading:
    """One reading. Definitions are read when something has referred to them, each once."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        self._waiting: deque[str] = deque()

    def form(self) -> dict[str, Any]:
        form, found = self._read(self._root), {}
        while self._waiting:
            name = self._waiting.popleft()
            found[self._names[name]] = self._read(self._root["$defs"][name])
        return {"$defs": dict(sorted(found.items())), **form} if found else form

    def _read(self, schema: Any) -> Any:
        if isinstance(schema, bool):
            return schema
        said = {key: value for key, value in schema.items() if key not in LIMITS or isinstance(value, (int, float))}
        form = {key: self._keyword(key, said[key]) for key in sorted(said.keys() & KNOWN)}  # dates may be limits, too
        if "patternProperties" in schema:  # a dict whose keys have a pattern
            form["additionalProperties"] = self._read(next(iter(schema["patternProperties"].values())))
        if "properties" in form:
            form.setdefault("additionalProperties", False)  # a misspelled name is no answer
        return form

    def _keyword(self, key: str, value: Any) -> Any:
        if key == "$ref":
            return f"#/$defs/{self._name(value)}"
        if key == "properties":
            return {name: self._read(one) for name, one in sorted(value.items())}
        if key in OF_MANY:
            return [self._read(one) for one in value]
        return self._read(value) if key in OF_ONE else value

    def _name(self, ref: str) -> str:
        """Return the short name that a reference's target gets here."""
        key = ref.removeprefix("#/$defs/")
        if key == ref or key not in self._root.get("$defs", {}):
            raise ValueError(f"{cut(ref, SHOWN)!r} is no definition of this form")
        if key not in self._names:
            self._names[key] = self._new_name(key)
            self._waiting.append(key)
        return self._names[key]

    def _new_name(self, key: str) -> str:
        title = re.sub(r"\W+", "_", str(self._root["$defs"][key].get("title", key))).strip("_") or "Part"
        taken = set(self._names.values())
        return title if title not in taken else f"{title}_{len(taken) + 1}"
