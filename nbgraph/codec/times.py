"""Dates, times, spans and time zones.

Owns their tags, and which zone names may be looked up: only those that this machine's time zone
database lists, so that text cannot name a file or a module.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from nbgraph.codec.limits import Node
    from nbgraph.codec.reader import Reader, TagReader
    from nbgraph.codec.writer import Handler, Writer

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_ZONES: dict[str, zoneinfo.ZoneInfo] = {}
_MICROSECOND = timedelta(microseconds=1)


def write_zone(writer: Writer, zone: tzinfo) -> Node:
    """Return the tree of a time zone; refuses all but fixed offsets and named zones."""
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return {"zone": zone.key}
    if type(zone) is not timezone:
        writer.refuse(zone, "use zoneinfo.ZoneInfo or datetime.timezone")
    node: dict[str, Node] = {"offset": zone.utcoffset(None) // _MICROSECOND}
    arguments = zone.__getinitargs__()  # type: ignore[attr-defined]  # what pickle asks for: the only way to the name
    if len(arguments) > 1:
        node["name"] = writer.child(zone, "name", arguments[1])
    return node


def read_zone(reader: Reader, node: Node) -> tzinfo:
    """Return the time zone of ``write_zone``."""
    if "zone" in node:
        return _zone(node["zone"])
    offset = timedelta(microseconds=node["offset"])
    if "name" not in node:
        return timezone(offset)
    return timezone(offset, reader.lift(node["name"]))


def _zone(key: str) -> zoneinfo.ZoneInfo:
    if key not in _ZONES:
        if not (_ZONE.fullmatch(key) and _is_listed(key)):
            raise CodecError(f"no time zone {ascii(key)[:80]} on this machine", todo="pip install tzdata")
        _ZONES[key] = zoneinfo.ZoneInfo(key)
    return _ZONES[key]


def _is_listed(key: str) -> bool:
    # ZoneInfo(key) falls back to importing a package named after the key: ask before it can.
    if any(Path(folder, key).is_file() for folder in zoneinfo.TZPATH):
        return True
    return key in zoneinfo.available_timezones()


def _write_datetime(writer: Writer, value: datetime) -> Node:
    return _with_zone(writer, "$datetime", value, value.replace(tzinfo=None, fold=0).isoformat())


def _write_time(writer: Writer, value: time) -> Node:
    return _with_zone(writer, "$time", value, value.replace(tzinfo=None, fold=0).isoformat())


def _with_zone(writer: Writer, tag: str, value: Any, text: str) -> Node:
    node: dict[str, Node] = {tag: text}
    if value.tzinfo is not None:
        node["tz"] = write_zone(writer, value.tzinfo)
    if value.fold:
        node["fold"] = 1
    return node


def _zoned(reader: Reader, node: dict[str, Node], naive: Any) -> Any:
    if naive.tzinfo is not None:
        raise CodecError("a zone inside the time's text")
    zone = read_zone(reader, node["tz"]) if "tz" in node else None
    return naive.replace(tzinfo=zone, fold=node.get("fold", 0))


def _read_datetime(reader: Reader, node: dict[str, Node]) -> datetime:
    value: datetime = _zoned(reader, node, datetime.fromisoformat(node["$datetime"]))
    return value


def _read_time(reader: Reader, node: dict[str, Node]) -> time:
    value: time = _zoned(reader, node, time.fromisoformat(node["$time"]))
    return value


def _read_timedelta(_: Reader, node: dict[str, Node]) -> timedelta:
    days, seconds, microseconds = node["$timedelta"]
    return timedelta(days, seconds, microseconds)


WRITERS: dict[type, Handler] = {
    datetime: _write_datetime,
    time: _write_time,
    date: lambda _, value: {"$date": value.isoformat()},
    timedelta: lambda _, value: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    timezone: lambda writer, value: {"$timezone": write_zone(writer, value)},
    zoneinfo.ZoneInfo: lambda writer, value: {"$timezone": write_zone(writer, value)},
}
READERS: dict[str, TagReader] = {
    "$datetime": _read_datetime,
    "$time": _read_time,
    "$date": lambda _, node: date.fromisoformat(node["$date"]),
    "$timedelta": _read_timedelta,
    "$timezone": lambda reader, node: read_zone(reader, node["$timezone"]),
}
