"""Is this value what the annotation says? Compiled once per field, asked at every update.

Owns the checks. Knows annotations and values, nothing of fields or states. Ordinary annotations are
checked here, without importing anything; what is left (constraints, protocols, ...) goes to pydantic,
strict. Values are only looked at: nothing is coerced, and subclasses of list and dict are lists and dicts.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import typing_extensions  # comes with pydantic, which needs it itself; costs what typing costs

from nbgraph.graph.typetext import type_text

Check = Callable[[Any], None]
