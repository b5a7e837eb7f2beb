"""The line of a magic, cut into words: quotes and brackets keep together what they enclose.

Owns the cutting, and no more: a word is given back as it was written, for its reader to take quotes off or to
evaluate. A shell's rules would take the quotes out of ``{"folder": "src"}`` and the backslashes out of paths.
"""

from __future__ import annotations

from collections.abc import Mapping

_CLOSES: Mapping[str, str] = {"(": ")", "[": "]", "{": "}"}


class UnclosedError(ValueError):
    """A quote or bracket that is opened and not closed; its text is that character."""


def words(line: str) -> list[str]:
    r"""Cut a line at the white space that is outside quotes and brackets; raises ``UnclosedError``.

    >>> words("run {'folder': 'my files'} --id 'r 1'")
    ['run', "{'folder': 'my files'}", '--id', "'r 1'"]
    """
    found: list[str] = []
    word, expected, quote, skip = "", "", "", False
    for char in line:
        if quote:
            quote, skip = ("" if char == quote and not skip else quote), char == "\\" and not skip
        elif char in "\"'":
            quote = char
        elif char in _CLOSES:
            expected += _CLOSES[char]
        elif expected and char == expected[-1]:
            expected = expected[:-1]
        elif char.isspace() and not expected:
            found, word = [*found, word], ""
            continue
        word += char
    if quote or expected:
        raise UnclosedError(quote or next(opens for opens, closes in _CLOSES.items() if closes == expected[-1]))
    return [one for one in [*found, word] if one]


def unquoted(word: str) -> str:
    """Return a word without the quotes around it, if one pair encloses all of it.

    >>> unquoted('"my runs.sqlite"'), unquoted('"a" + "b"')
    ('my runs.sqlite', '"a" + "b"')
    """
    whole = len(word) >= 2 and word[0] in "\"'" and word[-1] == word[0]
    return word[1:-1] if whole and word[0] not in word[1:-1] else word


def names(text: str) -> list[str]:
    """Return the names in a list with commas, each without its quotes.

    >>> names("split, 'two words'")
    ['split', 'two words']
    """
    found: list[str] = []
    name, quote = "", ""
    for char in text:
        if char == "," and not quote:
            found, name = [*found, name], ""
            continue
        quote = ("" if char == quote else quote) if quote else (char if char in "\"'" else "")
        name += char
    return [unquoted(one.strip()) for one in [*found, name] if one.strip()]
