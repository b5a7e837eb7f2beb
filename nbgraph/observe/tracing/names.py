"""What spans and their attributes are called: one table, with its version.

Owns the names. ``gen_ai.*``, ``http.*``, ``server.*``, ``url.*``, ``error.*`` and ``exception.*`` are OpenTelemetry's, as
``opentelemetry-semantic-conventions`` 0.66b2 (schema 1.44.0) has them: the state in which the GenAI conventions moved to
a repository of their own. A test holds the table against that package. Knows no run and no SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pandas import DataFrame

VERSION = "1"
"""Of this table; it changes when a name does. The tracer's version, beside ``SCHEMA``."""
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"


class Meaning(NamedTuple):
    """What an attribute says: on which spans, and in words, with its unit."""

    spans: str
    says: str


TABLE: dict[str, Meaning] = {}
"""Attribute -> what it says. Filled below, and nowhere else."""


def _name(name: str, spans: str, says: str) -> str:
    TABLE[name] = Meaning(spans, says)
    return name


# -- nbgraph's own

RUN = _name("nbgraph.run.id", "all", "the run")
GRAPH = _name("nbgraph.graph", "run", "the graph's name")
FINGERPRINT = _name("nbgraph.graph.fingerprint", "run", "SHA-256 of the graph's definition")
SEED = _name("nbgraph.run.seed", "run", "what randomness is a function of")
DRIVE = _name("nbgraph.run.drive", "run", "1 for the run's first drive, one more after each resume")
STATUS = _name("nbgraph.run.status", "run", "how the drive ended; interrupted: nobody wrote down how")
STEPS = _name("nbgraph.run.steps", "run", "steps committed in this drive")
NODE = _name("nbgraph.node", "task, attempt, call, ask", "the node's name; review/lint is lint of the subgraph review")
TASK = _name(
    "nbgraph.task.id", "task, attempt, call, ask", "the task, the same in every run of the same graph and input"
)
OUTCOME = _name("nbgraph.outcome", "task, attempt, call, ask", "how it ended")
STEP = _name("nbgraph.step", "task", "the step that the task committed; none if it has not")
ORDER = _name("nbgraph.order", "task", "its place in canonical order: as texts, these sort in it")
ATTEMPTS = _name("nbgraph.task.attempts", "task", "tries in this drive")
ATTEMPT = _name("nbgraph.attempt", "attempt, call, ask", "which try of the task, from 1")
PAUSE = _name("nbgraph.retry.pause", "attempt", "seconds until the next try")
SECONDS = _name(
    "nbgraph.seconds", "task, attempt, call", "how long it took, exactly as in the rows; a task's: its last try"
)
CALL = _name("nbgraph.call", "call", "what was called: a function's name, or a request's line")
CALL_NAME = _name("nbgraph.call.name", "call, ask", "which call of its task")
SEQ = _name("nbgraph.call.seq", "call, ask", "the line of the log of calls that ended it")
REUSED = _name("nbgraph.call.reused", "call", "run/line of the record that served it; it took no time and cost nothing")
CALLS = _name("nbgraph.calls", "run, task", "calls made; none that a record served")
INPUT = _name("nbgraph.tokens.input", "run, task", "input tokens of the calls in it")
OUTPUT = _name("nbgraph.tokens.output", "run, task", "output tokens of the calls in it")
COST = _name(
    "nbgraph.cost.usd", "run, task, call", "US dollars, as a number to add up; of a run or task: of what is known"
)
EXACT = _name("nbgraph.cost.exact", "run, task, call", "the same to the last digit, as text")
UNKNOWN = _name("nbgraph.cost.unknown", "run, task", "calls whose price nobody knows")
SOURCE = _name("nbgraph.cost.source", "call", "whose price it is: given, yours, nbgraph, genai-prices, unknown")
SAVED = _name("nbgraph.cost.saved", "call", "US dollars that a record saved, to the last digit, as text")
ASKED = _name("nbgraph.call.request", "call, ask", "content=True: what was asked, JSON as stored, redacted")
GIVEN = _name("nbgraph.call.response", "call, ask", "content=True: what came back, JSON as stored, redacted")
EVENT = _name(
    "nbgraph.event", "event of a run", "the beginning of the names of what the run's event says: .field, .depth"
)
LINK = _name("nbgraph.link", "a link", "why: parent, origin, resumed, reused, started-in")

# -- OpenTelemetry's

OPERATION = _name("gen_ai.operation.name", "run, call of a model", "invoke_workflow; chat, generate_content, ...")
WORKFLOW = _name("gen_ai.workflow.name", "run", "the graph's name")
PROVIDER = _name("gen_ai.provider.name", "call of a model", "openai, anthropic, gcp.gemini, ...")
REQUEST_MODEL = _name("gen_ai.request.model", "call of a model", "the model that was asked for")
MAX_TOKENS = _name("gen_ai.request.max_tokens", "call of a model", "limit on the output")
TEMPERATURE = _name("gen_ai.request.temperature", "call of a model", "as asked")
TOP_P = _name("gen_ai.request.top_p", "call of a model", "as asked")
STREAM = _name("gen_ai.request.stream", "call of a model", "whether a stream was asked for")
RESPONSE_MODEL = _name("gen_ai.response.model", "call of a model", "the model that answered")
RESPONSE_ID = _name("gen_ai.response.id", "call of a model", "the answer's id")
FINISH = _name("gen_ai.response.finish_reasons", "call of a model", "why each choice ended")
INPUT_TOKENS = _name("gen_ai.usage.input_tokens", "call of a model", "all input tokens, cached ones too")
OUTPUT_TOKENS = _name("gen_ai.usage.output_tokens", "call of a model", "all output tokens, reasoning too")
CACHE_READ = _name("gen_ai.usage.cache_read.input_tokens", "call of a model", "input tokens read from a cache")
CACHE_WRITE = _name("gen_ai.usage.cache_creation.input_tokens", "call of a model", "input tokens written to a cache")
REASONING = _name("gen_ai.usage.reasoning.output_tokens", "call of a model", "output tokens of reasoning")
INPUT_MESSAGES = _name("gen_ai.input.messages", "call of a model", "content=True: the messages sent, JSON")
OUTPUT_MESSAGES = _name("gen_ai.output.messages", "call of a model", "content=True: the messages that came, JSON")
SYSTEM = _name("gen_ai.system_instructions", "call of a model", "content=True: the system's instructions, JSON")
METHOD = _name("http.request.method", "call over HTTP", "GET, POST, ...")
STATUS_CODE = _name("http.response.status_code", "call over HTTP", "the response's status")
ADDRESS = _name("server.address", "call over HTTP", "the host")
PORT = _name("server.port", "call over HTTP", "the port, where the address names one")
URL = _name("url.full", "call over HTTP", "the address as stored: without secrets")
ERROR = _name("error.type", "what failed", "an exception's type, or an HTTP status of 400 or more")
EXCEPTION_TYPE = _name("exception.type", "event exception", "the exception's type")
EXCEPTION_MESSAGE = _name("exception.message", "event exception", "its text as stored: redacted")

PROVIDERS = {
    "google": "gcp.gemini", "google-gla": "gcp.gemini", "gemini": "gcp.gemini", "google-vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai", "azure": "azure.ai.openai", "aws": "aws.bedrock", "bedrock": "aws.bedrock",
    "x-ai": "x_ai", "xai": "x_ai", "mistral": "mistral_ai", "mistralai": "mistral_ai",
}  # fmt: skip
"""A provider's name here -> by the conventions; the others are the same, or not in the conventions."""


def table() -> DataFrame:
    """Return every attribute: name, on which spans (run, task, attempt, call, ask), what it says with its unit."""
    from pandas import DataFrame  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    return DataFrame([(name, *meaning) for name, meaning in TABLE.items()], columns=["name", "spans", "says"])
