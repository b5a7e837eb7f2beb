"""A clock that stands still, for everything in a trial's own process that reads it past ``ctx.now()``.

Owns the patching. Only ever used in a child process, before any of the user's modules is imported there.
"""

from __future__ import annotations

import datetime  # noqa: ICN001 - its attributes are what is patched
import time
from typing import Any

_REAL_DATETIME, _REAL_DATE = datetime.datetime, datetime.date


def freeze(moment: float) -> None:
    """Make ``time`` and ``datetime`` say ``moment`` (seconds since the Unix epoch) from now on."""
    _freeze_time(moment)
    datetime.datetime = _still(_REAL_DATETIME, moment)  # type: ignore[misc]  # that is the point
    datetime.date = _still(_REAL_DATE, moment)  # type: ignore[misc]  # as above


def _freeze_time(moment: float) -> None:
    broken = {name: getattr(time, name) for name in ("localtime", "gmtime", "ctime")}
    time.time = lambda: moment
    time.time_ns = lambda: int(moment * 1e9)
    for name, real in broken.items():
        setattr(time, name, lambda given=None, real=real: real(moment if given is None else given))


class _Kind(type):
    """Makes the still class pass for the real one."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


def _still(real: Any, moment: float) -> Any:
    """Return a stand-in for a class of ``datetime`` whose readings of the clock stand still; its objects are real."""

    def new(cls: type, *args: Any, **kwargs: Any) -> Any:
        del cls
        return real(*args, **kwargs)

    names: dict[str, Any] = {
        "__new__": new,
        "today": classmethod(lambda _: real.fromtimestamp(moment)),
    }
    if real is _REAL_DATETIME:
        names["now"] = classmethod(lambda _, tz=None: real.fromtimestamp(moment, tz))
        names["utcnow"] = classmethod(lambda _: real.fromtimestamp(moment, datetime.UTC).replace(tzinfo=None))
    return _Kind(real.__name__, (real,), names)
