"""Who drives a run, as one line that people can read and a process can check.

Owns the line's form and the question whether its writer still lives. Knows nothing of the file.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import socket
from hashlib import sha256

SECONDS = 15.0
"""How long a lease holds without a sign of life."""
BEAT = 4.0
"""Seconds between signs of life."""
GRACE = 1.0
"""A driver younger than this gives no sign: short runs pay nothing."""

_FORM = re.compile(r"process (\d+) on .* \(machine ([0-9a-f]{8}), started (\d+), driver \d+\)", re.DOTALL)
_drivers = itertools.count(1)


def new_holder() -> str:
    """Return a line no other driver has: not of this thread, not of this process, not on another machine."""
    return f"{_process(os.getpid())}, driver {next(_drivers)})"


@functools.cache
def _process(pid: int) -> str:
    return f"process {pid} on {socket.gethostname()} (machine {_machine()}, started {_started(pid)}"


def lives(holder: str, expires: float, now: float) -> bool:
    """Tell whether the holder may still be driving: within its time, and not known to be dead.

    ``expires`` and ``now`` are wall times. Only for a process of this machine can death be known; a
    number that was given to a newer process is told apart by its start time.
    """
    if not holder or now >= expires:
        return False
    match = _FORM.fullmatch(holder)
    if match is None or match[2] != _machine():
        return True
    return _alive(int(match[1]), int(match[3]))


def _alive(pid: int, started: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # it exists and belongs to somebody else
    return _started(pid) == started and not _is_zombie(pid)


def _stat(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _started(pid: int) -> int:
    """Return when the process began, in clock ticks since boot; 0 where the system does not say."""
    return _own_start(pid) if pid == os.getpid() else _read_start(pid)


def _read_start(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else 0


_own_start = functools.cache(_read_start)


@functools.cache
def _machine() -> str:
    """Return 8 digits for this boot of this machine and its space of process numbers (a container has its own)."""
    parts = [socket.gethostname()]
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            parts.append(file.read())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass  # not Linux: the host's name has to do
    return sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]
