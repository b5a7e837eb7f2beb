"""Small records to put into a store: a run, its steps, events, calls and answers.

Owns what they look like. Each function takes what the contract varies, ``changes`` replaces any field by name. Knows
no store and no pytest: processes that only fill a store import this, too.

>>> run_record("mine", seed=3).seed
3
>>> [step_record(number).base for number in (1, 2)]
[0, 1]
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from nbgraph.store import AnswerRecord, CallRecord, EventRecord, RunRecord, StepRecord


def run_record(run_id: str = "r", **changes: Any) -> RunRecord:
    """Return a small run."""
    return RunRecord(run_id, "graph", "f0", '{"nodes":["n"]}', '{"count":0}', 7, 1000.5)._replace(**changes)


def step_record(step: int, run_id: str = "r", **changes: Any) -> StepRecord:
    """Return step number ``step`` of a chain; its key is of this run and step, its task of the step alone."""
    task = sha256(f"task {step}".encode()).hexdigest()
    key = sha256(f"{run_id} {step}".encode()).hexdigest()
    update, facts = f'{{"count":{step}}}', '{"seconds":0.5,"started":10.0}'
    parents = f'[[{step - 1},"e0"]]'
    record = StepRecord(
        step, task, "n", "done", 1, step - 1, parents, update, "", "", '["e0"]', "", '{"live":[]}', facts, key
    )
    return record._replace(**changes)


def event_record(seq: int, step: int = 0, **changes: Any) -> EventRecord:
    """Return event number ``seq``."""
    return EventRecord(seq, step, 2000.25 + seq, "noted", "n", "", "{}")._replace(**changes)


def call_record(seq: int = 0, step: int = 1, **changes: Any) -> CallRecord:
    """Return a line of the log of calls, of the task that ``step_record(step)`` commits."""
    task, request = step_record(step).task, sha256(b"request").hexdigest()
    record = CallRecord(seq, 3000.25, task, "n", 1, "0", "returned", request, '{"response":1}')
    return record._replace(**changes)


def question(seq: int = 0, step: int = 1, **changes: Any) -> CallRecord:
    """Return a line that asks."""
    data = '{"request":{"asked":{"prompt":"Go on?","schema":{}}}}'
    return call_record(seq, step, phase="asked", data=data)._replace(**changes)


def answer_record(seq: int, **changes: Any) -> AnswerRecord:
    """Return an answer to question ``seq``."""
    return AnswerRecord(seq, 4000.25, '"yes"', "Ann")._replace(**changes)
