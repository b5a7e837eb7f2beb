"""The codec's numbers, and the shape of what lies between values and text.

Owns limits. Knows nothing of any type.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Node: TypeAlias = Any
"""A tree of what JSON has: dict with str keys, list, str, int, float, bool, None."""

MAX_DEPTH = 200
"""Levels of values inside values. Deeper is refused, and so is a value that contains itself."""

BLOB_BYTES = 64 * 1024
"""Binary payloads of at least this many bytes are kept once, by digest, where the caller keeps blobs."""

INT_BOUND = 10**600
"""Integers beyond +-this are written in hexadecimal: decimal would be quadratic, and Python may be set to
refuse more than 640 digits."""
