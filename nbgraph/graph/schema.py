"""The typed record that a state is: its fields, and how an input becomes a state.

Owns the schema's reading (TypedDict, dataclass, pydantic model, plain dict) and the names of fields.
What a node gets for a record class is in ``records``; types are checked in ``checking``.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache, partial
from types import MappingProxyType
from typing import Any

from nbgraph.codec.known import Types, is_model
from nbgraph.errors import GraphError, StateError
from nbgraph.graph import records
from nbgraph.graph.checking import TypeProblem
from nbgraph.graph.fields import FieldSpec, field_spec

__all__ = ["FieldSpec", "Schema", "TypeProblem"]


class Schema:
    """The fields of a state. ``kind`` is "typeddict", "dataclass", "pydantic", "plain" or "open". Immutable.

    >>> Schema.of({"count": int}).initial({"count": 2})
    {'count': 2}
    """

    def __init__(self, fields: Mapping[str, FieldSpec], kind: str, cls: type | None = None) -> None:
        self.fields: Mapping[str, FieldSpec] = MappingProxyType(dict(fields))
        self.kind, self.cls = kind, cls
        self.open = kind == "open"

    @classmethod
    def of(cls, obj: Any = None) -> Schema:
        """Read a schema; raises ``GraphError`` for what cannot be one.

        Takes a TypedDict, dataclass or pydantic class, ``{name: type}``, a ``Schema``, or ``dict`` or None: any field.
        """
        if isinstance(obj, Schema):
            return obj
        if obj is None or obj is dict:
            return cls({}, "open")
        if isinstance(obj, Mapping):
            return cls(_fields({_named(name): hint for name, hint in obj.items()}, {}), "plain")
        if isinstance(obj, type):
            return cls._of_class(obj)
        raise _unusable(obj)

    @classmethod
    def _of_class(cls, obj: type) -> Schema:
        hints = _hints(obj)
        if hasattr(obj, "__required_keys__"):
            return cls(_fields(hints, {}, obj.__required_keys__), "typeddict", obj)
        if dataclasses.is_dataclass(obj):
            return cls(_fields(*_dataclass_fields(obj, hints)), "dataclass", obj)
        if is_model(obj):
            return cls(_fields(*_model_fields(obj, hints)), "pydantic", obj)
        raise _unusable(obj)

    def extended(self, extra: Iterable[FieldSpec]) -> Schema:
        """Return this schema with more fields: those of subgraphs."""
        extra = list(extra)
        return Schema({**self.fields, **{spec.name: spec for spec in extra}}, self.kind, self.cls) if extra else self

    @cached_property
    def types(self) -> tuple[type, ...]:
        """The dataclasses, enums, named tuples and models that values of this state may hold."""
        return tuple(Types.of(*(spec.annotation for spec in self.fields.values())))

    def find(self, name: str) -> FieldSpec | None:
        """Return a field's spec; of an open schema, one that takes anything for every unknown name."""
        spec = self.fields.get(name)
        return _anything_spec(name) if spec is None and self.open else spec

    def spec(self, name: str) -> FieldSpec:
        """Return a field's spec; a name outside the schema (a Send's private field) takes anything."""
        return self.fields.get(name) or _anything_spec(name)

    def nearest(self, name: str, known: Iterable[str] | None = None) -> str | None:
        """Return the field, or of ``known`` the name, that ``name`` is most likely a misspelling of, or None."""
        found = difflib.get_close_matches(name, list(self.fields if known is None else known), n=1, cutoff=0.5)
        return found[0] if found else None

    def initial(self, given: Any = None) -> dict[str, Any]:
        """Return the state that a run starts with: defaults and reducers' identities, then what is given.

        ``given`` is a mapping of whole values, an instance of the record class, or None. A field without
        any of these is absent. Raises ``StateError`` for an unknown or mistyped field.
        """
        state = {name: spec.start() for name, spec in self.fields.items() if spec.start is not None}
        for name, value in self._given(given).items():
            state[name] = self._checked(name, value)
        return state

    def _given(self, given: Any) -> Mapping[str, Any]:
        if given is None:
            return {}
        if isinstance(given, Mapping):
            return given
        if self.is_record(given):
            return records.values_of(given, self.fields)
        raise StateError(
            f"the input is a {type(given).__name__}, not a mapping of fields",
            todo="pass a dict" + (f" or a {self.cls.__name__}" if self.cls is not None else ""),
            expected=self.cls.__name__ if self.cls is not None else "dict",
            actual=type(given).__name__,
        )

    def _checked(self, name: Any, value: Any) -> Any:
        spec = self.find(name) if isinstance(name, str) else None
        if spec is None:
            raise self._unknown(name)
        try:
            spec.check_value(value)
        except TypeProblem as problem:
            raise StateError(
                f"the input's {name}{problem.path} should be {problem.expected}, not {problem.actual}",
                todo="pass a value of the field's type; a field with a reducer takes its whole value here",
                field=name,
                path=f"{name}{problem.path}",
                expected=problem.expected,
                actual=problem.actual,
            ) from None
        return value

    def _unknown(self, name: Any) -> StateError:
        nearest = self.nearest(str(name))
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        return StateError(
            f"the input has a field {name!r} that the state does not have{hint}",
            todo="pass a field of the state, or add this one to the schema",
            field=str(name),
            expected=nearest,
        )

    def is_record(self, value: Any) -> bool:
        """Say whether a value is an instance of the record class, as defined now or when its cell ran before."""
        if self.cls is None or self.kind == "typeddict":
            return False
        kind = type(value)
        same = (kind.__module__, kind.__qualname__) == (self.cls.__module__, self.cls.__qualname__)
        return same or isinstance(value, self.cls)

    def record(self, values: Mapping[str, Any]) -> Any:
        """Return what a node is given: an instance of the record class, or ``values`` where there is none.

        No ``__init__`` and no validation runs. A field without a value is no attribute yet.
        """
        if self.kind not in ("dataclass", "pydantic") or self.cls is None:
            return values
        return records.build(self.cls, values, self.fields, self.kind)

    def update_of(self, returned: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that a returned record changes.

        Of a dataclass: those that are neither the given object itself nor the default; to set a field back to
        its default, return a dict. Of a model: those set explicitly, unless to the given object.
        """
        return records.changes(returned, given, self.fields, self.kind)

    def changed_field(self, record: Any, values: Mapping[str, Any]) -> str | None:
        """Return a field of a record made from ``values`` that was set or deleted since, or None."""
        return records.changed_field(record, values, self.fields)


@lru_cache(1024)
def _anything_spec(name: str) -> FieldSpec:
    return field_spec(name, Any, required=False)


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise GraphError(
            f"a field's name should be a non-empty string, not {name!r}", expected="str", actual=repr(name)
        )
    return name


def _hints(obj: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(obj, include_extras=True)
    except Exception as error:
        raise GraphError(
            f"the annotations of {obj.__name__} cannot be read: {error}",
            todo="define what they name before the class, or write the types without quotes",
            actual=repr(error),
        ) from error


def _dataclass_fields(obj: type, hints: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    fields = dataclasses.fields(obj)
    defaults: dict[str, Callable[[], Any]] = {}
    for field in fields:
        if field.default_factory is not dataclasses.MISSING:
            defaults[field.name] = field.default_factory
        elif field.default is not dataclasses.MISSING:
            defaults[field.name] = partial(_itself, field.default)
    return {field.name: hints[field.name] for field in fields}, defaults


def _model_fields(obj: Any, hints: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    annotations: dict[str, Any] = {}
    defaults: dict[str, Callable[[], Any]] = {}
    for name, info in obj.model_fields.items():
        # Constraints given as ``= Field(gt=0)`` are not in the hint; those in it must not be said twice.
        more = [one for one in info.metadata if one not in getattr(hints[name], "__metadata__", ())]
        annotations[name] = typing.Annotated[hints[name], *more] if more else hints[name]
        if not info.is_required():
            made = info.default_factory
            # pydantic copies a default for every instance; a factory that wants the other fields gets none.
            defaults[name] = partial(copy.deepcopy, info.default) if made is None else partial(_model_default, info)
    return annotations, defaults


def _model_default(info: Any) -> Any:
    wants_others = getattr(info, "default_factory_takes_validated_data", False)
    return info.default_factory({}) if wants_others else info.default_factory()


def _itself(value: Any) -> Any:
    return value


def _fields(
    hints: Mapping[str, Any], defaults: Mapping[str, Callable[[], Any]], required: Iterable[str] | None = None
) -> dict[str, FieldSpec]:
    must = set(hints if required is None else required) - defaults.keys()
    return {name: field_spec(name, hint, defaults.get(name), required=name in must) for name, hint in hints.items()}


def _unusable(obj: Any) -> GraphError:
    return GraphError(
        f"{obj!r} is not a state schema",
        todo="pass a TypedDict, dataclass or pydantic model class, a dict of {name: type}, or nothing",
        expected="a schema",
        actual=type(obj).__name__,
    )
