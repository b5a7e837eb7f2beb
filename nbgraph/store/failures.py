"""Where SQLite's exceptions become nbgraph's: one place, at the store's edge.

Owns the table of codes and the words. Knows nothing of runs.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING

from nbgraph.errors import StoreBusy, StoreCorrupt, StoreError, StoreForeign, StoreFull, StoreReadOnly

if TYPE_CHECKING:
    from types import TracebackType

_KEPT = "what was committed before is kept; nothing of this commit was stored"
_RESTORE = "run `nbgraph verify FILE` for the extent, then restore the file from a copy"
_MEANT = {778: 13, 4874: 13, 522: 11}
"""IOERR_WRITE and IOERR_SHMSIZE are how a limit on a file's size shows; IOERR_SHORT_READ is a file cut short."""

_TABLE: dict[int, tuple[type[StoreError], str, str]] = {
    5: (StoreBusy, "is locked by another process", "try again, or close what holds it"),
    6: (StoreBusy, "is locked by another connection", "try again, or close what holds it"),
    3: (StoreReadOnly, "cannot be accessed", "check the permissions of the file and its folder"),
    8: (StoreReadOnly, "cannot be written", "check the permissions, or open it with read_only=True"),
    14: (StoreReadOnly, "cannot be opened", "check that its folder exists and can be written"),
    11: (StoreCorrupt, "is damaged", _RESTORE),
    13: (StoreFull, "has no room to grow", "free some space, then resume"),
    26: (StoreForeign, "is not a database", "choose another path"),
}
_WORDS = {"locked": 5, "readonly": 8, "unable to open": 14, "malformed": 11, "disk is full": 13, "not a database": 26}
"""For drivers that do not tell the code (Python 3.10)."""


def translate(error: Exception, file: str) -> StoreError:
    """Return the typed error for what SQLite, or the decoding of its rows, raised."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        code = _from_words(error)
    cls, finding, todo = _TABLE.get(_MEANT.get(code, code & 0xFF), (StoreError, "failed", "see the cause above"))
    return cls(f"the store {file!r} {finding}: {error}", still=_KEPT, todo=todo, file=file, error=str(error))


def _from_words(error: Exception) -> int:
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or "Could not decode" in text:
        return 11
    if isinstance(error, OSError):
        return 13 if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else 14
    return next((code for words, code in _WORDS.items() if words in text), 0)


class Edge:
    """A ``with`` block out of which only typed errors come. Reusable, from any thread."""

    __slots__ = ("_file",)

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # OverflowError, UnicodeError: a value that SQLite cannot take, or bytes that are no text.
        if isinstance(error, sqlite3.Error | OverflowError | UnicodeError | OSError):
            raise translate(error, self._file) from error


def damaged(file: str, finding: str, run_id: str | None = None, step: int | None = None) -> StoreCorrupt:
    """Return the error for stored bytes that are not what was written."""
    where = f"run {run_id!r}" if run_id is not None else "the file"
    if step is not None:
        where += f", step {step}"
    still = "nothing of the damaged part was used" + (f"; steps before {step} can be read" if step else "")
    message = f"the store {file!r} is damaged at {where}: {finding}"
    return StoreCorrupt(message, still=still, todo=_RESTORE, file=file, run_id=run_id, step=step)
