"""Whatever the text, decoding gives a value or a CodecError, and touches nothing outside."""

from __future__ import annotations

import ast
import json
import pathlib
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgraph.codec
from nbgraph.codec import decode, encode
from nbgraph.codec.canonical import TAGS
from nbgraph.errors import CodecError
from tests.codec.samples import ARRAYS, FRAMES, OBJECTS, PLAIN, TYPES

_TEXTS = [encode(one) for one in (*PLAIN, *OBJECTS, *ARRAYS, *FRAMES) if len(encode(one)) < 5_000]
_leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
    | st.sampled_from(["<f8", "O", "|O", "(99999999999,)f8", "<U999999999", "os:system", "UTC", "../etc/passwd", "ns", "1e999999"])
)  # fmt: skip
_names = st.sampled_from(sorted(TAGS)) | st.sampled_from(
    [
        "data",
        "shape",
        "value",
        "fields",
        "name",
        "set",
        "tz",
        "zone",
        "offset",
        "unit",
        "kind",
        "codes",
        "levels",
        "names",
        "index",
        "columns",
        "plain",
        "freq",
        "range",
    ]
)
_trees = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4), max_leaves=12
)
HOSTILE = [
    "", "{", "nul", "NaN", "[Infinity]", '{"$int":"0x"}', '{"$int":"__import__"}', '{"$nobody":1}', '{"$set":[[1]]}',
    '{"$dict":[[[1],2]]}', '{"$dict":[[1,2],[1,3]]}', '{"$fraction":[1,0]}', '{"$bytes":"%%%"}', '{"$blob":"ab"}',
    '{"$float":"1e5"}', '{"$str":"\\\\x"}', '{"$date":5}', '{"$uuid":"x"}', '{"$decimal":"one"}', "9" * 5_000,
    '{"$timezone":{"zone":"../../etc/passwd"}}', '{"$timezone":{"zone":"os.path"}}', '{"$timezone":{"offset":1e99}}',
    '{"$ndarray":"O","shape":[1],"data":{"$bytes":""}}', '{"$ndarray":"<f8","shape":[1000000000000],"data":{"$bytes":""}}',
    '{"$ndarray":"<f8","shape":[-1],"data":{"$bytes":"AAAAAAAAAAA="}}', '{"$path":"x","flavour":"system"}',
    '{"$frame":[[1]],"columns":{"$index":"range","range":[0,1000000000000000,1],"name":null},"index":{"$index":"range","range":[0,1,1],"name":null}}',
    '{"$redacted":[]}', '{"$index":"multi","levels":[],"codes":[],"names":[]}', '{"$flag":"x:Y","value":"z"}',
]  # fmt: skip
NAMING = [
    f'{{"{tag}":"os:system","fields":{{}},"plain":["id"],"name":"system","value":1,"set":[]}}' for tag in sorted(TAGS)
]


def _harmless(text: str) -> None:
    try:
        value = decode(text, types=TYPES)
        encode(value)
    except CodecError:
        pass


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_malformed_texts_are_codec_errors(text):
    """Each of these is refused with a CodecError, quickly and in little memory."""
    tracemalloc.start()
    with pytest.raises(CodecError):
        decode(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@settings(max_examples=400, deadline=None)
@given(_trees)
def test_random_trees_under_real_tags_are_harmless(tree):
    """Any JSON under our own tags is a value or a CodecError."""
    _harmless(json.dumps(tree))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_TEXTS), st.data())
def test_damaged_texts_are_harmless(text, data):
    """A real text with a piece cut, doubled or replaced is a value or a CodecError."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 6)))
    _harmless(
        text[:start]
        + data.draw(st.sampled_from(["", text[start:end] * 2, "0", '"', "-1", "null", "[", "]"]))
        + text[end:]
    )


def test_hostile_texts_import_open_and_run_nothing():
    """With an audit hook watching, decoding hostile texts imports, opens, spawns and connects nothing."""
    code = """
import json, sys
import numpy, pandas, pydantic
from nbgraph.codec import decode
texts = json.load(sys.stdin)
decode('{"$ndarray":"<f8","shape":[1],"data":{"$bytes":"AAAAAAAAAAA="}}')
def run():
    for text in texts:
        try: decode(text)
        except Exception: pass
run()  # what numpy and pandas load late has been loaded
watch, seen = True, []
def hook(event, args):
    if watch and event.split(".")[0] in ("import","open","exec","compile","os","subprocess","socket","pickle","marshal","ctypes"):
        seen.append((event, str(args)[:100]))
sys.addaudithook(hook)
run()
watch = False
print(seen, "os" in str([m for m in sys.modules if m.startswith("os:")]))
"""
    texts = [*HOSTILE, *NAMING]
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    assert "[] False" == done.stdout.strip()


FORBIDDEN = {"pickle", "marshal", "importlib", "shelve", "dill", "cloudpickle", "runpy", "code", "subprocess"}
CALLS = {"eval", "exec", "compile", "__import__", "import_module", "loads_pickle"}


@pytest.mark.parametrize("package", ["codec", "store"])
def test_no_source_of_the_decoder_or_the_store_can_run_data(package):
    """No pickle, marshal, importlib, eval, exec or __import__ in codec and store."""
    root = pathlib.Path(nbgraph.codec.__file__).parents[1] / package
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not FORBIDDEN & {name.split(".")[0] for name in names}, file
            assert not (isinstance(node, ast.Name) and node.id in CALLS), file
