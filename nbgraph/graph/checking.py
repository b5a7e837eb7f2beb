"""Is this value what the annotation says? Compiled once per field, asked at every update.

Owns the checks. Knows annotations and values, nothing of fields or states. Ordinary annotations are
checked here, without importing anything; what is left (constraints, protocols, ...) goes to pydantic,
strict. Values are only looked at: nothing is coerced, and subclasses of list and dict are lists and dicts.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable
from typing import Any

from nbgraph.graph.typetext import type_text

Check = Callable[[Any], None]
"""Returns for a value that fits, raises ``TypeProblem`` for one that does not."""

_SEQUENCES = (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class TypeProblem(Exception):  # noqa: N818 - not an error of its own: whoever knows node and field makes one of it
    """A value is not what its annotation says: where inside it (``[3].name``), what was expected, what is there."""

    def __init__(self, path: str, expected: str, actual: str) -> None:
        super().__init__(path, expected, actual)
        self.path, self.expected, self.actual = path, expected, actual

    def under(self, step: str) -> TypeProblem:
        """Return the same problem, seen from one level further out."""
        return TypeProblem(step + self.path, self.expected, self.actual)


def anything(_value: Any) -> None:
    """Accept every value."""


def check_for(annotation: Any) -> Check:
    """Return the check of an annotation.

    >>> check_for(list[int])([1, "two"])
    Traceback (most recent call last):
    nbgraph.graph.checking.TypeProblem: ('[1]', 'int', 'str')
    """
    if annotation is Any or annotation is object or isinstance(annotation, typing.TypeVar):
        return anything
    if annotation is None or annotation is type(None):
        return _instances((type(None),), "None")
    if _is_typed_dict(annotation):
        return _typed_dict(annotation)
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return _of_class(annotation)
    return _of_generic(annotation, typing.get_origin(annotation), typing.get_args(annotation))


def _of_generic(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Check:
    if origin in (typing.Required, typing.NotRequired, typing.Final, typing.ClassVar):
        return check_for(args[0])
    if origin in (typing.Union, types.UnionType):
        return _union(args, type_text(annotation))
    if origin is typing.Literal:
        return _literal(args, type_text(annotation))
    if origin is tuple:
        return _tuple(args)
    if origin in _SEQUENCES:
        return _items(origin, check_for(args[0]), type_text(annotation))
    if origin in _MAPPINGS:
        return _entries(origin, check_for(args[0]), check_for(args[1]), type_text(annotation))
    return _by_pydantic(annotation)


def refuse(value: Any, expected: str) -> TypeProblem:
    """Return the problem of a value that is wrong as a whole."""
    kind = type(value)
    name = (
        kind.__name__.removeprefix("Frozen").lower() if kind.__module__ == "nbgraph.codec.frozen" else kind.__qualname__
    )
    return TypeProblem("", expected, "None" if value is None else name)


def _of_class(cls: type) -> Check:
    if cls is float or cls is complex:
        wider = (cls, int) if cls is float else (cls, float, int)
        return _instances(wider, cls.__name__, not_bool=True)
    # NewType and protocols are no classes that isinstance takes; pydantic knows what to do with them.
    if getattr(cls, "_is_protocol", False) and not getattr(cls, "_is_runtime_protocol", False):
        return anything
    return _instances((cls,), type_text(cls), not_bool=cls is int)


def _instances(classes: tuple[type, ...], expected: str, *, not_bool: bool = False) -> Check:
    exact = classes[0]

    def check(value: Any) -> None:
        if type(value) is exact:
            return
        if not isinstance(value, classes) or (not_bool and value.__class__ is bool):
            if _same_class(type(value), exact):
                return
            raise refuse(value, expected)

    return check


def _same_class(actual: type, expected: type) -> bool:
    """Say whether two classes are one to the person who ran the defining cell again."""
    if actual.__module__ == "builtins":
        return False
    return (actual.__module__, actual.__qualname__) == (expected.__module__, expected.__qualname__)


def _union(args: tuple[Any, ...], expected: str) -> Check:
    checks = [check_for(arg) for arg in args]
    exact = frozenset(type(None) if arg is None else arg for arg in args if isinstance(arg, type) or arg is None)
    exact = frozenset(cls for cls in exact if typing.get_origin(cls) is None and not _is_typed_dict(cls))

    def check(value: Any) -> None:
        if type(value) in exact:
            return
        deepest: TypeProblem | None = None
        for one in checks:
            try:
                one(value)
            except TypeProblem as problem:
                deepest = problem if deepest is None or len(problem.path) > len(deepest.path) else deepest
            else:
                return
        raise deepest if deepest is not None and deepest.path else refuse(value, expected)

    return check


def _literal(values: tuple[Any, ...], expected: str) -> Check:
    def check(value: Any) -> None:
        if not any(type(value) is type(one) and value == one for one in values):
            problem = refuse(value, expected)
            raise TypeProblem("", expected, repr(value) if isinstance(value, (str, int, bytes)) else problem.actual)

    return check


def _tuple(args: tuple[Any, ...]) -> Check:
    if len(args) == 2 and args[1] is Ellipsis:
        return _items(tuple, check_for(args[0]), f"tuple[{type_text(args[0])}, ...]")
    checks = [check_for(arg) for arg in args if arg != ()]
    expected = f"tuple[{', '.join(map(type_text, args))}]"

    def check(value: Any) -> None:
        if not isinstance(value, tuple):
            raise refuse(value, expected)
        if len(value) != len(checks):
            raise TypeProblem("", f"a tuple of {len(checks)}", f"a tuple of {len(value)}")
        for place, (one, item) in enumerate(zip(checks, value, strict=True)):
            _inside(one, item, f"[{place}]")

    return check


def _inside(check: Check, value: Any, step: str) -> None:
    try:
        check(value)
    except TypeProblem as problem:
        raise problem.under(step) from None


def _items(origin: Any, item: Check, expected: str) -> Check:
    # An iterable of any other kind may be gone once looked at, and a str is a sequence of itself.
    looked_into = (list, tuple, set, frozenset)

    def check(value: Any) -> None:
        if not isinstance(value, origin) or (isinstance(value, (str, bytes)) and origin not in (list, tuple)):
            raise refuse(value, expected)
        if item is anything or not isinstance(value, looked_into):
            return
        for place, one in enumerate(value):
            try:
                item(one)
            except TypeProblem as problem:
                step = f"[{place}]" if isinstance(value, (list, tuple)) else "{...}"
                raise problem.under(step) from None

    return check


def _entries(origin: Any, key: Check, item: Check, expected: str) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, origin):
            raise refuse(value, expected)
        for name, one in value.items():
            try:
                key(name)
            except TypeProblem as problem:
                raise TypeProblem(f" key {name!r}", problem.expected, problem.actual) from None
            try:
                item(one)
            except TypeProblem as problem:
                raise problem.under(f"[{name!r}]") from None

    return check


def _is_typed_dict(annotation: Any) -> bool:
    return (
        isinstance(annotation, type) and hasattr(annotation, "__required_keys__") and hasattr(annotation, "__total__")
    )


def _typed_dict(annotation: Any) -> Check:
    checks: dict[str, Check] = {}

    def check(value: Any) -> None:
        if not checks:  # built late, so that a TypedDict may hold itself
            checks.update({name: check_for(hint) for name, hint in typing.get_type_hints(annotation).items()})
        if not isinstance(value, dict):
            raise refuse(value, annotation.__name__)
        for name in sorted(annotation.__required_keys__ - value.keys()):
            raise TypeProblem(f"[{name!r}]", type_text(typing.get_type_hints(annotation)[name]), "missing")
        for name, one in value.items():
            if name not in checks:
                raise TypeProblem(f"[{name!r}]", f"no such key in {annotation.__name__}", type(one).__name__)
            _inside(checks[name], one, f"[{name!r}]")

    return check


def _by_pydantic(annotation: Any) -> Check:
    adapters: list[Any] = []

    def check(value: Any) -> None:
        if not adapters:
            adapters.append(_adapter(annotation))
        adapter = adapters[0]
        if adapter is None:
            return
        try:
            adapter.validate_python(value, strict=True)
        except ValueError as error:  # pydantic's ValidationError is one, and brings its facts
            raise _reported(error, value, annotation) from None

    return check


def _adapter(annotation: Any) -> Any:
    """Return pydantic's adapter, or None for an annotation that nobody can check."""
    import pydantic  # noqa: PLC0415 - 100 ms; most schemas never need it
    from pydantic.errors import PydanticUserError  # noqa: PLC0415 - as above

    for config in (pydantic.ConfigDict(arbitrary_types_allowed=True), None):
        try:
            return pydantic.TypeAdapter(annotation, config=config)
        except (PydanticUserError, TypeError):  # refuses a config for its own models, and what it cannot check
            continue
    return None


def _reported(error: Any, value: Any, annotation: Any) -> TypeProblem:
    first: Any = error.errors(include_url=False)[0] if hasattr(error, "errors") else {"loc": (), "msg": str(error)}
    path, at = "", value
    for step in first["loc"]:  # names of a union's members stand between the real steps: leave those out
        try:
            at = getattr(at, step) if isinstance(step, str) and not isinstance(at, dict) else at[step]
        except (TypeError, KeyError, IndexError, AttributeError):
            continue
        path += f"[{step!r}]"
    plain = typing.get_origin(annotation) in (None, typing.Annotated)
    expected = first["msg"].removeprefix("Input should be ") if path or plain else ""
    return TypeProblem(path, expected or f"{type_text(annotation)} ({first['msg']})", refuse(at, "").actual)
