"""How much room text takes, without a font: widths of DejaVu Sans and Arial, the larger of the two.

Owns the table and the sizes that follow from it. Every engine is given these sizes, so no picture depends on the
fonts of the machine that made it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from nbgraph.escape import cut
from nbgraph.views.topology import Cluster, Link, Node

TEXT, SMALL = 13.0, 11.0
"""Font sizes of names, and of labels and counts."""
NODE_HEIGHT = 40.0
END_SIZE = 18.0
LABEL_HEIGHT = 18.0
CLUSTER_HEAD = 26.0
"""Room above the nodes of a cluster, for its name."""
MOST_NAME, MOST_LABEL = 28, 40
"""Characters of a name and of a label that are shown; the whole is in the tooltip."""
_NARROW = dict.fromkeys("ijl|'", 0.30) | dict.fromkeys("ft.,:;!()[]/\\ rI", 0.41) | dict.fromkeys("-J", 0.45)
_WIDE = dict.fromkeys("mM", 0.97) | dict.fromkeys("wW%@…", 0.98) | dict.fromkeys("+=<>~#", 0.84)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT) -> float:
    """Return the width of one line of text in pixels, rather too much than too little.

    >>> text_width("plan") < text_width("summary")
    True
    """
    return size * sum(map(_em, text))


def _em(char: str) -> float:
    known = _NARROW.get(char) or _WIDE.get(char)
    if known is not None:
        return known
    if char.isascii():
        return 0.70 if char.isupper() else 0.645
    if unicodedata.combining(char) or "\ufe00" <= char <= "\ufe0f":
        return 0.0
    return 1.05 if unicodedata.east_asian_width(char) in "WF" else 0.78


def shown_name(label: str) -> str:
    """Return a node's name as it stands in its box."""
    return cut(label, MOST_NAME) or "·"


def shown_label(link: Link) -> str:
    """Return what stands on a link, "" for nothing."""
    return cut(link.label, MOST_LABEL) or ("map" if link.kind == "send" else "")


def node_size(node: Node) -> tuple[float, float]:
    """Return width and height of a node's box: there is room for a line of facts under its name."""
    if node.kind == "end":
        return END_SIZE, END_SIZE
    mark = 18.0 if node.start else 0.0
    return max(100.0, round(text_width(shown_name(node.label)) + 28 + mark)), NODE_HEIGHT


def label_size(link: Link) -> tuple[float, float]:
    """Return width and height of a link's label with room for a count, (0, 0) if there is none."""
    label = shown_label(link)
    return (round(text_width(label, SMALL) + 34), LABEL_HEIGHT) if label else (0.0, 0.0)


def head_width(cluster: Cluster) -> float:
    """Return the room that a cluster's name takes."""
    return text_width(shown_name(cluster.label)) + 40
