"""A picture as a tree of plain values, before anybody makes markup or a page of it.

Owns the one shape, ``Element``, and its two outcomes: SVG text here, and the nested lists from which the page builds
the same elements. All text is escaped on the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbgraph.escape import plain, safe

Patches = Mapping[str, Mapping[str, str]]
"""What a colouring changes: key of an element -> attribute -> value; "text" stands for what is in the element."""


class Element(NamedTuple):
    """A tag, its attributes in order, and elements or text in it. ``data-key`` names what a colouring may change."""

    tag: str
    attributes: Mapping[str, str]
    children: tuple[Element | str, ...] = ()


def element(tag: str, attributes: Mapping[str, str | float | None], *children: Element | str | None) -> Element:
    """Return an element; attributes and children that are None are left out, numbers are rounded."""
    kept = {name: _text(value) for name, value in attributes.items() if value is not None}
    return Element(tag, kept, tuple(child for child in children if child is not None))


def number(value: float) -> str:
    """Return a coordinate as short as it can be: a tenth of a pixel is enough.

    >>> number(3.0), number(-0.04), number(12.34)
    ('3', '0', '12.3')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _text(value: str | float) -> str:
    return plain(value) if isinstance(value, str) else number(value)


def patched(one: Element, patches: Patches) -> Element:
    """Return the tree with a colouring applied: what the page does to its own elements."""
    change = patches.get(one.attributes.get("data-key", ""), {})
    attributes = {**one.attributes, **{name: plain(value) for name, value in change.items() if name != "text"}}
    children = tuple(child if isinstance(child, str) else patched(child, patches) for child in one.children)
    return Element(one.tag, attributes, (plain(change["text"]),) if "text" in change else children)


def as_lists(one: Element) -> list[Any]:
    """Return ``[tag, {attribute: value}, [child, ...]]``, a child being such a list or a string."""
    children = [child if isinstance(child, str) else as_lists(child) for child in one.children]
    return [one.tag, dict(one.attributes), children]


def as_markup(one: Element) -> str:
    """Return the tree as SVG text."""
    inside = "".join(safe(child) if isinstance(child, str) else as_markup(child) for child in one.children)
    attributes = "".join(f' {name}="{safe(value)}"' for name, value in one.attributes.items())
    return f"<{one.tag}{attributes}>{inside}</{one.tag}>" if inside else f"<{one.tag}{attributes}/>"
