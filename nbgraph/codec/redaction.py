"""Which parts of a value are secrets, decided before anything is written.

Owns the rules. Knows nothing of text; imports no pydantic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_KEYS = frozenset(
    [
        "password",
        "passwd",
        "secret",
        "api_key",
        "apikey",
        "access_token",
        "refresh_token",
        "authorization",
        "private_key",
        "client_secret",
    ]
)
"""Names, compared without regard to case, whose values are never written."""

_SECRETS = frozenset({"SecretStr", "SecretBytes", "Secret", "_SecretBase", "_SecretField"})


@dataclass(frozen=True, slots=True)
class Redaction:
    """What to hide: entries and fields named like ``keys``, and whatever ``hook`` replaces.

    ``hook(path, value)`` sees every value on its way to the file, outermost first, with a path such as
    ``$.items[3].client``; it returns the value itself, or what is written in its place
    (``Redacted("why")`` for nothing at all). Nodes still see the real value while the run lives.

    >>> Redaction().covers("API_KEY"), Redaction(keys=frozenset({"pin"})).covers("password")
    (True, False)
    """

    keys: frozenset[str] = DEFAULT_KEYS
    hook: Callable[[str, Any], Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", frozenset(key.lower() for key in self.keys))

    def covers(self, key: Any) -> bool:
        """Say whether what stands under this name is hidden."""
        return isinstance(key, str) and key.lower() in self.keys


def is_secret(cls: type) -> bool:
    """Say whether a class is pydantic's ``SecretStr`` or one of its family, without importing pydantic."""
    return any(base.__module__ == "pydantic.types" and base.__name__ in _SECRETS for base in cls.__mro__)
