"""Instances of a schema's record class: made for nodes, read back from them.

Owns the two kinds of record, dataclass and pydantic model. Knows nothing of annotations or defaults
beyond the specs it is handed. Never runs ``__init__`` or validation: values come from the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbgraph.errors import StateError
from nbgraph.graph.fields import FieldSpec

_MISSING = object()


def build(cls: type, values: Mapping[str, Any], fields: Mapping[str, FieldSpec], kind: str) -> Any:
    """Return an instance of exactly ``cls`` with ``values`` as attributes; those missing are no attributes."""
    record: Any = object.__new__(cls)
    if kind == "pydantic":
        return _filled_model(record, values, fields)
    for name in _visible(values):
        try:
            object.__setattr__(record, name, values[name])
        except AttributeError:
            raise StateError(
                f"{cls.__name__} has slots, and no room for the private field {name!r} of a Send",
                todo="declare the field in the state, or define the dataclass without slots",
                field=name,
            ) from None
    return record


def _filled_model(record: Any, values: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> Any:
    # What model_construct does, but without putting defaults where the state has no value yet.
    object.__setattr__(record, "__dict__", {name: values[name] for name in _visible(values)})
    object.__setattr__(record, "__pydantic_fields_set__", {name for name in values if name in fields})
    object.__setattr__(record, "__pydantic_extra__", {} if record.model_config.get("extra") == "allow" else None)
    object.__setattr__(record, "__pydantic_private__", None)
    if getattr(type(record), "__private_attributes__", None):
        record.model_post_init(None) if _only_private(record) else record.__pydantic_init_private__()
    return record


def _only_private(record: Any) -> bool:
    """Say whether the model's post-init is pydantic's own, which only makes the private attributes."""
    return getattr(type(record).model_post_init, "__module__", "").startswith("pydantic.")


def _visible(names: Iterable[str]) -> Iterator[str]:
    """Yield the names that can be attributes: "lint/notes" is a subgraph's own business."""
    return (name for name in names if "/" not in name)


def values_of(record: Any, fields: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """Return the fields that a record has."""
    found = {name: getattr(record, name, _MISSING) for name in fields}
    return {name: value for name, value in found.items() if value is not _MISSING}


def changes(record: Any, given: Mapping[str, Any], fields: Mapping[str, FieldSpec], kind: str) -> dict[str, Any]:
    """Return the fields in which a returned record differs from what its node was given."""
    values = values_of(record, fields)
    different = {name: value for name, value in values.items() if name not in given or given[name] is not value}
    if kind == "pydantic":
        return {name: value for name, value in different.items() if name in record.model_fields_set}
    return {name: value for name, value in different.items() if not _is_default(fields[name], value)}


def _is_default(spec: FieldSpec, value: Any) -> bool:
    if spec.default is None:
        return False
    default = spec.default()
    if default is value:
        return True
    try:
        return type(default) is type(value) and bool(default == value)
    except Exception:  # noqa: BLE001 - arrays and the like do not answer with one truth: then it is a value of its own
        return False


def changed_field(record: Any, values: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> str | None:
    """Return a field whose attribute is not the object that ``values`` has, or None."""
    held = getattr(record, "__dict__", None)
    for name in _visible(fields):
        now = held.get(name, _MISSING) if held is not None else getattr(record, name, _MISSING)
        if now is not values.get(name, _MISSING):
            return name
    return None
