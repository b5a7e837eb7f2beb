"""Spans as OpenTelemetry has them: live and after the fact, in memory and over the wire."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import opentelemetry.semconv._incubating.attributes as conventions
import opentelemetry.semconv.attributes as stable
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import NoOpTracerProvider, SpanKind, StatusCode

import nbgraph as ng
from nbgraph.observe.tracing import names
from tests.observe.traced import SECRET, exported, facts_of, listening, review, reviewed, tree


def test_live_spans_are_those_of_the_file(tmp_path):
    """A listener hands over what an export hands over later: ids, parents, names, times, attributes, events, links."""
    provider, live = listening()
    graph, file = review({"read": 1, "judge": 1}), tmp_path / "runs.sqlite"
    with ng.Engine(graph, store=file, quiet=True, listeners=[ng.tracing.Tracing(provider)]) as engine:
        reviewed(engine)
        fork = engine.fork("r1", 2, new_id="fork")
        assert engine.flush()
    after = exported(ng.open_run(file, "r1")) + exported(ng.open_run(file, fork.id))
    assert sorted(map(facts_of, live.get_finished_spans()), key=str) == sorted(map(facts_of, after), key=str)


def test_an_export_is_the_same_each_time(tmp_path):
    """Exporting a run twice, from the file alone, gives the same spans with the same ids; how many is returned."""
    file = tmp_path / "runs.sqlite"
    with ng.Engine(review(), store=file, quiet=True) as engine:
        reviewed(engine)
    run = ng.open_run(file, "r1")
    first = exported(run)
    assert list(map(facts_of, first)) == list(map(facts_of, exported(run)))
    assert run.export_otel(listening()[0]) == len(first) == len(tree(run))


def test_a_call_of_a_model_follows_the_conventions():
    """Its span is a client's, named by operation and model, with model, tokens, address and status."""
    with ng.Engine(review(), store=":memory:", quiet=True) as engine:
        call = next(span for span in exported(reviewed(engine)) if span.name.startswith("chat"))
    assert ("chat gpt-4o", SpanKind.CLIENT, StatusCode.UNSET) == (call.name, call.kind, call.status.status_code)
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 200,
        "server.address": "api.openai.com",
        "http.response.status_code": 200,
        "nbgraph.cost.exact": "0.00325",
    }.items() <= dict(call.attributes or {}).items()


def test_names_are_those_of_the_stated_conventions():
    """What is not ours is in the conventions' package, of the version that the table says."""
    known = set()
    for package in (conventions, stable):
        for module in iter_modules(package.__path__):
            known |= {
                v for v in vars(import_module(f"{package.__name__}.{module.name}")).values() if isinstance(v, str)
            }
    foreign = {name for name in names.TABLE if not name.startswith("nbgraph.")}
    assert foreign <= known
    assert names.SCHEMA in {schema.value for schema in Schemas}
    assert list(ng.tracing.table()["name"]) == list(names.TABLE)


def test_every_attribute_is_in_the_table():
    """A run in which everything happens says nothing that the table does not name."""
    with ng.Engine(review({"read": 1, "judge": 1}), store=":memory:", quiet=True) as engine:
        spans = exported(reviewed(engine), content=True)
    seen = {name for span in spans for name in span.attributes or ()}
    seen |= {name for span in spans for part in (*span.events, *span.links) for name in part.attributes or ()}
    assert set() == {name for name in seen if name not in names.TABLE and not name.startswith(names.EVENT)}


def test_what_was_said_is_told_only_when_asked_for():
    """Prompts, answers and questions are in no span by default; with content=True they are, in the conventions' form."""
    with ng.Engine(review(), store=":memory:", quiet=True) as engine:
        run = reviewed(engine)
        assert not any(SECRET in repr(facts_of(span)) for span in exported(run))
        told = [dict(span.attributes or {}) for span in exported(run, content=True)]
    (said,) = {facts[names.OUTPUT_MESSAGES] for facts in told if names.OUTPUT_MESSAGES in facts}
    assert said == '[{"finish_reason":"stop","parts":[{"content":"fine","type":"text"}],"role":"assistant"}]'
    asked = {facts[names.INPUT_MESSAGES] for facts in told if names.INPUT_MESSAGES in facts}
    assert f'[{{"parts":[{{"content":"{SECRET}: a","type":"text"}}],"role":"user"}}]' in asked
    assert any(facts.get(names.ASKED, "").startswith('{"prompt":"' + SECRET) for facts in told)


def test_what_is_redacted_stays_redacted():
    """Content is told as it is stored: a secret that the store does not have is in no span."""
    graph = ng.Graph({"n": int}, name="keys")

    @graph.node
    def one(state, ctx):
        ctx.outside("GET api", {"api_key": SECRET, "n": 1}, lambda: {"password": SECRET})

    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        spans = exported(engine.run(), content=True)
    assert any(names.ASKED in (span.attributes or {}) for span in spans)
    assert SECRET not in repr(list(map(facts_of, spans)))


def test_a_replay_hands_over_nothing():
    """Replaying a traced run emits no span."""
    provider, live = listening()
    with ng.Engine(review(), store=":memory:", quiet=True, listeners=ng.tracing.Tracing(provider)) as engine:
        reviewed(engine)
        assert engine.flush()
        live.clear()
        assert engine.replay("r1").ok
        assert engine.flush()
    assert () == live.get_finished_spans()


class Broken(SpanExporter):
    """Raises, or blocks until it is let go."""

    def __init__(self, gate: threading.Event | None) -> None:
        self._gate = gate

    def export(self, spans: Any) -> SpanExportResult:
        """Do so."""
        if self._gate is None:
            raise RuntimeError("broken")
        self._gate.wait(10)
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize("blocks", [True, False])
def test_a_provider_that_blocks_or_raises_hurts_no_run(blocks: bool):
    """The run completes, and is what it is without."""
    gate, provider = threading.Event(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Broken(gate if blocks else None)))
    with ng.Engine(review(), store=":memory:", quiet=True, listeners=[ng.tracing.Tracing(provider)]) as engine:
        traced = reviewed(engine)
        assert ("completed", reviewed(engine, "r2").digest) == (traced.status, traced.digest)
        gate.set()


def test_without_a_provider_an_export_says_what_to_do():
    """There is no global provider unless somebody sets one: spans that nobody would take are refused."""
    with ng.Engine(review(), store=":memory:", quiet=True) as engine:
        run = reviewed(engine)
        with pytest.raises(ng.OptionsError, match="no OpenTelemetry provider") as refused:
            run.export_otel()
    assert "provider=" in refused.value.todo


def test_a_provider_of_another_make_gets_spans_all_the_same():
    """Where ids cannot be given the spans are handed over with whatever ids it makes up."""
    with ng.Engine(review(), store=":memory:", quiet=True) as engine:
        run = reviewed(engine)
        assert run.export_otel(NoOpTracerProvider()) == len(tree(run))


def test_without_the_extra_the_error_says_how_to_install_it():
    """Traces ask for OpenTelemetry when they are made, and name the extra; nothing else of nbgraph needs it."""
    program = """
import sys
sys.modules["opentelemetry"] = sys.modules["opentelemetry.trace"] = None
import nbgraph as ng
try:
    ng.tracing.Tracing()
except ng.NbgraphError as error:
    print(error.todo)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install opentelemetry-sdk" in done.stdout


class Collector(BaseHTTPRequestHandler):
    """Takes what an OTLP exporter posts."""

    def do_POST(self) -> None:
        """Parse it, and say that it was taken."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, ExportTraceServiceRequest.FromString(body)))  # type: ignore[attr-defined]
        reply = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[tuple[str, list[tuple[str, ExportTraceServiceRequest]]]]:
    """Run a collector on loopback; yield its address and what it got."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", server.got  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_real_receiver_gets_every_span():
    """Sent as OTLP over HTTP in batches, a run arrives whole: ids, parents and times are those of the tree."""
    with collecting() as (address, got), ng.Engine(review(), store=":memory:", quiet=True) as engine:
        run, provider = reviewed(engine), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
        spans = tree(run)
        assert run.export_otel(provider) == len(spans)
        provider.shutdown()
    assert {"/v1/traces"} == {path for path, _ in got}
    scopes = [part for _, request in got for whole in request.resource_spans for part in whole.scope_spans]
    assert {("nbgraph", names.VERSION, names.SCHEMA)} == {(s.scope.name, s.scope.version, s.schema_url) for s in scopes}
    arrived = {
        (one.name, number(one.span_id), number(one.parent_span_id), one.start_time_unix_nano, one.end_time_unix_nano)
        for scope in scopes
        for one in scope.spans
    }
    assert arrived == {(span.name, span.id, span.parent, span.start, span.end) for span in spans}


def number(data: bytes) -> int:
    """Return an id as a number, 0 for none."""
    return int.from_bytes(data)


@pytest.mark.slow
def test_a_long_run_loses_no_span():
    """A batch processor drops what comes faster than it sends: an export waits for it."""
    graph = ng.Graph({"n": int}, name="many")

    @graph.node
    def count(state):
        return ng.Result(update={"n": state["n"] + 1}, route=ng.Goto("count") if state["n"] < 2999 else ng.Stop())

    provider, exporter = listening(BatchSpanProcessor)
    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        assert engine.run({"n": 0}).export_otel(provider) == 6001
    assert 6001 == len(exporter.get_finished_spans())
    provider.shutdown()
