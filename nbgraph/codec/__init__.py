"""Values to canonical bytes and back: the only decoder of nbgraph.

``encode`` and ``decode`` are the door, ``keep`` is what the engine uses at every step. Behind them:
``writer`` and ``reader`` walk, ``canonical`` chooses, and one file per family of types
(``scalars``, ``times``, ``containers``, ``objects``, ``models``, ``arrays``, ``indexes``, ``frames``)
says what each becomes. The package knows nothing of graphs, runs or stores.
"""

from nbgraph.codec.canonical import decode, encode
from nbgraph.codec.frozen import FrozenDict, FrozenList, FrozenSet, thaw
from nbgraph.codec.keeping import is_frozen, keep
from nbgraph.codec.known import NO_TYPES, Types
from nbgraph.codec.limits import BLOB_BYTES, MAX_DEPTH
from nbgraph.codec.record import Record, Redacted
from nbgraph.codec.redaction import DEFAULT_KEYS, Redaction
from nbgraph.codec.registry import register_codec

__all__ = [
    "BLOB_BYTES",
    "DEFAULT_KEYS",
    "MAX_DEPTH",
    "NO_TYPES",
    "FrozenDict",
    "FrozenList",
    "FrozenSet",
    "Record",
    "Redacted",
    "Redaction",
    "Types",
    "decode",
    "encode",
    "is_frozen",
    "keep",
    "register_codec",
    "thaw",
]
