r"""Server-sent events: the data of each, from the bytes of a stream however they were cut into chunks.

Owns the framing and nothing of what is said in it. Pure.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator


def data_of(chunks: Iterable[bytes | str]) -> Iterator[str]:
    r"""Yield the data of every event, as soon as its last line is there.

    Lines end with LF, CR or CRLF, comments and other fields are left out, several data lines are one text. What
    stands after the last blank line is an event too: whoever cut the stream, it was sent. A line that
    begins as JSON does (JSON lines) is data as it stands. Bytes that are no UTF-8 are replaced.

    >>> list(data_of([b'data: {"a"', b":1}\r", b"\n\r\n: note\ndata: one\ndata: two\n\ndata: [DO", b"NE]"]))
    ['{"a":1}', 'one\ntwo', '[DONE]']
    """
    held: list[str] = []
    for line in _lines(chunks):
        name, colon, value = line.partition(":")
        if not line:
            if held:
                yield "\n".join(held)
            held = []
        elif name == "data" and colon:
            held.append(value.removeprefix(" "))
        elif line[0] in "{[":
            yield line
    if held:
        yield "\n".join(held)


def _lines(chunks: Iterable[bytes | str]) -> Iterator[str]:
    """Yield the lines without their ends; CR at the end of a chunk waits for the LF that may begin the next one."""
    rest = ""
    for text in _texts(chunks):
        rest += text
        if not rest.endswith("\r"):
            *whole, rest = rest.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            yield from whole
    yield from rest.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _texts(chunks: Iterable[bytes | str]) -> Iterator[str]:
    """Yield the chunks as text: a character may begin in one and end in another. A mark of byte order is left out."""
    decoder = getincrementaldecoder("utf-8-sig")("replace")
    for chunk in chunks:
        yield chunk if isinstance(chunk, str) else decoder.decode(bytes(chunk))
    yield decoder.decode(b"", final=True)
