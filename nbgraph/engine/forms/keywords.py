"""What a form can say: the keywords of JSON Schema, and the formats of texts, that are known here.

Owns these tables. Knows nothing of how a keyword is checked (``rules``) or told in full (``words``).
"""

from __future__ import annotations

import datetime as dt
import decimal
import operator
import uuid

OF_MANY = frozenset(["anyOf", "oneOf", "allOf", "prefixItems"])
"""Keywords that hold a list of forms."""

OF_ONE = frozenset(["items", "additionalProperties", "propertyNames"])
"""Keywords that hold one form."""

LIMITS = {
    "minimum": (operator.ge, "from"),
    "exclusiveMinimum": (operator.gt, "above"),
    "maximum": (operator.le, "to"),
    "exclusiveMaximum": (operator.lt, "below"),
}
"""Limits of numbers: how a number compares to its limit, and the word for that."""

COUNTS = frozenset(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"])
"""Limits of lengths."""

KNOWN = frozenset(
    ["$ref", "type", "const", "enum", "format", "pattern", "properties", "required", "multipleOf", "uniqueItems"]
).union(OF_MANY, OF_ONE, LIMITS, COUNTS)
"""Everything that is read from a form."""

FORMATS: dict[str, tuple[type, str]] = {
    "date": (dt.date, "a date (2024-12-31)"),
    "date-time": (dt.datetime, "a date and time (2024-12-31T18:30:00)"),
    "time": (dt.time, "a time (18:30:00)"),
    "duration": (dt.timedelta, "a duration (P1DT2H)"),
    "uuid": (uuid.UUID, "a UUID"),
    "decimal": (decimal.Decimal, "a number"),
}
"""Formats of texts: the type whose values are written so, and words for it."""
