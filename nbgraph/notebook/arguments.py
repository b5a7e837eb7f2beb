"""The words of a magic as arguments: options, names, texts, and Python expressions over the notebook's names.

Owns how a line is read, and the words in which a wrong one is refused: always ``UsageError``, never ``SystemExit``.
"""

from __future__ import annotations

import re
from argparse import Action, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from nbgraph.notebook.splitting import UnclosedError, names, unquoted, words

_OPTION = re.compile(r"[A-Za-z_]\w*=(?!=)")


class _Formatter(RawDescriptionHelpFormatter):
    """Writes a list as one word, and does without the word "usage", which each place says in its own way."""

    def _format_args(self, action: Action, default_metavar: str) -> str:
        if action.nargs not in ("+", "*") or not isinstance(action.metavar, str):
            return super()._format_args(action, default_metavar)
        return f"[{action.metavar}]" if action.nargs == "*" else action.metavar

    def add_usage(
        self, usage: str | None, actions: Iterable[Action], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, "" if prefix is None else prefix)


class Parser(MagicArgumentParser):
    """Reads the words of one magic, or of one verb; ``prog`` is how it is called.

    ``options``: words ``name=value``, wherever they stand, are options of the engine; they end up in ``options``.
    """

    def __init__(self, prog: str, about: str, *, options: bool = False) -> None:
        super().__init__(prog=prog, description=about, formatter_class=_Formatter)  # type: ignore[no-untyped-call]  # IPython leaves it so
        self.allow_abbrev, self.called, self._options, self._looks = False, prog, options, ""

    def error(self, message: str) -> NoReturn:
        """Refuse the line, with the reason and how it should look."""
        raise UsageError(f"{self.called}: {message}\nusage: {self._looks}")

    def read(self, line: str) -> Namespace:
        """Return what a line says; raises ``UsageError``."""
        self._looks = " ".join(self.format_usage().split())
        try:
            given = words(line)
        except UnclosedError as error:
            self.error(f"{error} is opened and not closed")
        options = [word for word in given if self._options and _OPTION.match(word)]
        asked = self.parse_intermixed_args([word for word in given if word not in options])
        asked.options = options
        return asked

    def actions(self) -> list[Action]:
        """Return the arguments, places first as they were defined."""
        return list(self._actions)

    def options(self) -> list[str]:
        """Return the options, in the order of their definition."""
        return [action.option_strings[-1] for action in self._actions if action.option_strings]


def text(word: str) -> str:
    """Read a word that is itself: a name, an id, a path; quotes around it are no part of it."""
    return unquoted(word)


def listed(given: Iterable[str] | None) -> list[str] | None:
    """Return the names of an option that takes a list with commas or blanks, None if it was not given."""
    return None if given is None else names(",".join(given))


def expression(given: Iterable[str] | None) -> str:
    """Return the text of an expression that took several words, "" if there is none; quotes around all of it go."""
    return unquoted(" ".join(given or ()))


def value(source: str, scope: Mapping[str, Any], what: str) -> Any:
    """Return the value of an expression over the notebook's names; raises ``UsageError`` that says what fails."""
    try:
        code = compile(source.strip(), f"<{what}>", "eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{what}: {source!r} is not a Python expression: {reason}") from None
    try:
        return eval(code, dict(scope))  # noqa: S307 - the line is the person's own code, as everything in a cell
    except Exception as error:
        raise UsageError(f"{what}: {source!r} raised {type(error).__name__}: {error}") from error


def filled(word: str, scope: Mapping[str, Any], what: str) -> str:
    """Return a text in which ``{expression}`` as a whole stands for its value.

    >>> filled("{name}", {"name": "r1"}, "--id"), filled("r2", {}, "--id")
    ('r1', 'r2')
    """
    inner = text(word)
    return str(value(inner[1:-1], scope, what)) if inner.startswith("{") and inner.endswith("}") else inner


def pairs(given: Iterable[str], scope: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return ``name=expression`` words as names and values; raises ``UsageError`` for a word that is none."""
    found = {}
    for word in given:
        if not _OPTION.match(word):
            raise UsageError(f"{what}: write field=expression instead of {word!r}")
        name, _, source = word.partition("=")
        found[name] = value(source, scope, f"{what} {name}")
    return found
