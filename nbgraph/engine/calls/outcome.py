"""What a call gave, as canonical text and back: a response, or an exception.

Owns both directions. A recorded exception is rebuilt only as a class that is loaded already, and without
running that class's ``__init__``: reading a record imports nothing and runs nothing.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from json import dumps, loads
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple, get_type_hints

from nbgraph.codec import NO_TYPES, Redaction, Types, decode, keep, thaw
from nbgraph.engine.record import object_text
from nbgraph.errors import CallError, CodecError

QUIET = "__nbgraph_redacted__"
"""An attribute of exceptions whose text may tell what redaction hides."""
MASKED = "__nbgraph_masked__"
"""An attribute of exceptions that are, or come from, one whose text repeats a secret: the text without it."""
REDACTED = "<redacted>"


class Kept(NamedTuple):
    """A response: its text, what the node gets, and the large values in it."""

    text: str
    value: Any
    blobs: Mapping[str, bytes]


class Failed(NamedTuple):
    """An exception as it is kept."""

    text: str
    blobs: Mapping[str, bytes]


def types_of(fn: Callable[..., Any], known: Types) -> Types:
    """Return the classes that a response may be rebuilt as: those known, and those of the function's return hint."""
    try:
        hint = get_type_hints(fn).get("return")
    except Exception:  # noqa: BLE001 - hints of foreign code may name what is not there
        hint = None
    return known if hint is None or hint is type(None) else known | Types.of(hint)


def kept(value: Any, types: Types, redact: Redaction, label: str) -> Kept:
    """Return a response as it is kept, and as the node gets it: a copy, as a replay will give it.

    What the record cannot rebuild is a read-only ``Record`` for the live node too, so that live and replay
    behave the same. Raises ``CallError`` for what cannot be kept at all.
    """
    blobs: dict[str, bytes] = {}
    try:
        text, copy = keep(value, types=types, redact=redact, blobs=blobs, records=True)
    except CodecError as error:
        raise CallError(
            f"what {label} returned cannot be recorded: {error.message}",
            still="the call was made",
            todo="let the called function return plain data (a dict, a text, a dataclass), or register a codec",
            call=label,
            path=error.path,
            actual=error.actual,
        ) from error
    return Kept(text, thaw(copy), blobs)


def response_of(text: str, types: Types, blob: Callable[[str], bytes]) -> Any:
    """Return a recorded response."""
    return decode(text, types=types, blob=blob)


def failed(error: BaseException, redact: Redaction) -> Failed:
    """Return an exception's record: class by name, args and own attributes as data, traceback as text.

    Where something of it was hidden, so are its text and its traceback's: they may tell the same.
    """
    blobs: dict[str, bytes] = {}
    kept = [_plain(item, redact, blobs) for item in _args(error)]
    fields = {name: _plain(value, redact, blobs, name) for name, value in vars(error).items() if name[:2] != "__"}
    members = {name: _plain(value, redact, blobs) for name, value in _members(error)}
    group = [failed(inner, redact) for inner in error.exceptions] if isinstance(error, BaseExceptionGroup) else ()
    for inner in group:
        blobs.update(inner.blobs)
    quiet = hidden(error, redact)
    shown = traceback.format_tb(error.__traceback__, -12) if quiet else traceback.format_exception(error, limit=-12)
    parts = {
        "args": f"[{','.join(kept)}]",
        "fields": object_text(fields),
        "members": object_text(members),
        "group": f"[{','.join(inner.text for inner in group)}]",
        "text": dumps(REDACTED) if quiet else dumps(words(error)),
        "traceback": dumps("".join(shown)),
        "type": dumps(f"{type(error).__module__}.{type(error).__qualname__}"),
    }
    return Failed(object_text({name: text for name, text in parts.items() if text not in ("[]", "{}")}), blobs)


def _args(error: BaseException) -> tuple[Any, ...]:
    return error.args[:1] if isinstance(error, BaseExceptionGroup) else error.args


def _members(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yield what Python's own exception classes keep beside ``args``, such as the file name of an ``OSError``."""
    for name, member in _slots(type(error)).items():
        try:
            value = member.__get__(error)
        except AttributeError:
            continue
        if value is not None:
            yield name, value


def _slots(cls: type) -> dict[str, Any]:
    bases = [base for base in cls.__mro__ if base.__module__ == "builtins" and base not in (BaseException, object)]
    found = {name: slot for base in bases for name, slot in vars(base).items() if isinstance(slot, _SLOT)}
    return {name: slot for name, slot in found.items() if name not in ("obj", "exceptions", "message")}


_SLOT = (MemberDescriptorType, GetSetDescriptorType)


def _plain(value: Any, redact: Redaction, blobs: dict[str, bytes], name: str = "") -> str:
    try:
        return keep(value, redact=redact, blobs=blobs, name=name, records=True)[0]
    except CodecError:  # its repr might tell what is to be hidden
        return dumps(f"<a {type(value).__qualname__}, which cannot be kept>")


def hidden(error: BaseException | None, redact: Redaction, seen: tuple[BaseException, ...] = ()) -> bool:
    """Say whether redaction takes something from an exception, or from one that its traceback shows."""
    if error is None or any(error is one for one in seen):
        return False
    if QUIET in vars(error):
        return True
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    told = any(_tells(item, redact) for item in _args(error))
    told = told or any(_tells(value, redact, name) for name, value in vars(error).items() if name[:2] != "__")
    others = (error.__cause__, error.__context__, *inner)
    return told or any(hidden(other, redact, (*seen, error)) for other in others)


def _tells(value: Any, redact: Redaction, name: str = "") -> bool:
    """Say whether a text that shows ``value`` may tell what is to be hidden."""
    try:
        return (
            keep(value, redact=redact, blobs={}, name=name, records=True)[0] != keep(value, blobs={}, records=True)[0]
        )
    except CodecError:
        return not name and isinstance(value, (dict, list, tuple, set, frozenset))


def mask(error: BaseException, secrets: Iterable[bytes]) -> None:
    """Mark an exception, and those that its traceback shows, where one's text repeats a secret."""
    shown = list(_shown(error, []))
    texts = [masked(words(one), secrets) for one in shown]
    if any(text != words(one) for one, text in zip(shown, texts, strict=True)):
        for one, text in zip(shown, texts, strict=True):
            vars(one)[MASKED] = text


def _shown(error: BaseException | None, seen: list[BaseException]) -> Iterator[BaseException]:
    if error is None or any(error is one for one in seen):
        return
    seen.append(error)
    yield error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *inner):
        yield from _shown(other, seen)


def masked(text: str, secrets: Iterable[bytes]) -> str:
    """Return a text with an asterisk for each byte of a secret.

    >>> masked("GET /x?key=sesame-1", [b"sesame-1"])
    'GET /x?key=********'
    """
    found = text.encode("utf-8", "surrogatepass")
    for secret in secrets:
        found = found.replace(secret, b"*" * len(secret))
    return found.decode("utf-8", "surrogatepass")


def words(error: BaseException) -> str:
    """Return an exception's text, whatever it takes."""
    if QUIET in vars(error):
        return REDACTED
    if MASKED in vars(error):
        return str(vars(error)[MASKED])
    try:
        return str(error)
    except Exception as wrong:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<its text raises {type(wrong).__name__}>"


def error_of(text: str, blob: Callable[[str], bytes]) -> Exception:
    """Return a recorded exception, to be raised again; ``CallError`` where its class is not loaded."""
    record = loads(text)
    return _error_of(record, decode(text, types=NO_TYPES, blob=blob), blob)


def _error_of(record: Mapping[str, Any], whole: Mapping[str, Any], blob: Callable[[str], bytes]) -> Exception:
    cls = _loaded(record["type"])
    if cls is None:
        return CallError(
            f"the recorded call raised {record['type']}: {record['text']}",
            still="nothing was called",
            todo="import the module of that exception, so that it can be raised as itself",
            actual=record["type"],
        )
    group = [error_of(dumps(inner), blob) for inner in record.get("group", ())]
    error = _bare(cls, whole.get("args", ()), group)
    for name, slot in _slots(cls).items():
        if name in whole.get("members", ()):
            slot.__set__(error, whole["members"][name])
    vars(error).update(whole.get("fields", ()))
    if record["text"] == REDACTED:
        vars(error)[QUIET] = True
    vars(error)["__notes__"] = ["The recorded traceback:\n" + record["traceback"]]
    return error


def _loaded(name: str) -> type[Exception] | None:
    """Return the exception class of that name if some module that is loaded has it."""
    module, _, qualname = name.rpartition(".")
    while module:
        found: Any = builtins if module == "builtins" else sys.modules.get(module)
        if found is not None:
            for part in qualname.split("."):
                found = vars(found).get(part) if isinstance(found, type) or hasattr(found, "__dict__") else None
            return found if isinstance(found, type) and issubclass(found, Exception) else None
        module, _, head = module.rpartition(".")
        qualname = f"{head}.{qualname}"
    return None


def _bare(cls: type[Exception], args: Iterable[Any], group: list[Exception]) -> Exception:
    """Return an instance without running any Python code of the class."""
    base = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    given = (*args, group) if group else ()
    error: Exception = base.__new__(cls, *given)
    if not group:
        BaseException.args.__set__(error, tuple(args))  # type: ignore[attr-defined]  # a slot, like _SLOT
    return error
