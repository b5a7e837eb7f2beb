"""What to do instead, for the values people try most often to keep.

Owns the advice. Decides nothing: whoever asks has refused already.
"""

from __future__ import annotations

from typing import Any

_BY_NAME = {
    "OrderedDict": "return dict(value)",
    "defaultdict": "return dict(value)",
    "Counter": "return dict(value)",
    "mappingproxy": "return dict(value)",
    "deque": "return list(value)",
    "bytearray": "return bytes(value)",
    "memoryview": "return bytes(value)",
    "range": "return list(value)",
    "generator": "return list(value)",
    "dict_keys": "return list(value)",
    "dict_values": "return list(value)",
    "dict_items": "return dict(value)",
    "map": "return list(value)",
    "filter": "return list(value)",
    "zip": "return list(value)",
    "coroutine": "await it in the node and return what it gives",
    "array": "return numpy.asarray(value) or value.tolist()",
    "TextIOWrapper": "return the file's path, and open it in the node that needs it",
    "BufferedReader": "return the file's path, and open it in the node that needs it",
    "BufferedWriter": "return the file's path, and open it in the node that needs it",
    "function": "return its name, and look it up in the node that needs it",
    "module": "import it in the node that needs it",
    "MaskedArray": "return the data and the mask as two arrays",
    "matrix": "return numpy.asarray(value)",
}
_PLAIN = (str, bytes, int, float, complex, list, tuple, dict, set, frozenset)
_CLIENT = "make it inside the node (or pass it through a module), and return what came of it"


def way_out(value: Any) -> str:
    """Return what to do with a value that is not kept, in one line.

    >>> way_out(bytearray())
    'return bytes(value)'
    """
    cls = type(value)
    if cls.__name__ in _BY_NAME:
        return _BY_NAME[cls.__name__]
    if issubclass(cls, BaseException):
        return "return str(error), or let it be raised: failures of a node are recorded by nbgraph"
    if issubclass(cls, type):
        return "return the class's name, and look it up in the node that needs it"
    base = next((plain for plain in _PLAIN if issubclass(cls, plain)), None)
    if base is not None:
        return f"return {base.__name__}(value), or keep the type with ng.register_codec"
    return f"{_CLIENT}; or teach nbgraph the type with ng.register_codec"
