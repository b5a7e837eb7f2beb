"""Why an attempt was followed by another, in one of a few words.

Owns the folding of errors, of which there are any number, into a closed set. Pure; reads what a retry noted: the error's
class, and of those that carry an HTTP status its number.
"""

from __future__ import annotations

import re

from nbgraph.observe.metrics.families import OTHER

_NAMES = (
    ("timeout", re.compile("timeout|timedout|deadline")),
    ("rate_limit", re.compile("ratelimit|toomanyrequests|throttl|quota|resourceexhausted")),
    ("connection", re.compile("connect|network|protocol|transport|socket|brokenpipe|gaierror|ssl|proxy|readerror")),
    ("server", re.compile("internalserver|serviceunavailable|overloaded|badgateway|servererror|unavailable")),
)
_CARRIES_STATUS = re.compile("status|http|api|client|request|response")
_STATUS = re.compile(r"\b(408|429|5\d\d)\b")
_INVALID = re.compile("value|type|key|index|attribute|validation|decode|json|parse|schema|update|codec")


def reason_of(error: str) -> str:
    """Return why an attempt failed. ``error`` is "Class: words".

    >>> reason_of("ConnectTimeout: too slow"), reason_of("APIStatusError: 529 overloaded"), reason_of("ValueError: 500")
    ('timeout', 'server', 'invalid')
    """
    kind, _, words = error.partition(":")
    kind = kind.lower()
    for reason, pattern in _NAMES:
        if pattern.search(kind):
            return reason
    status = _STATUS.search(words) if _CARRIES_STATUS.search(kind) else None
    if status is not None:
        return {"408": "timeout", "429": "rate_limit"}.get(status[1], "server")
    return "invalid" if _INVALID.search(kind) else OTHER
