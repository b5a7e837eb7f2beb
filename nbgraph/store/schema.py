"""The file format: what is on disk, and how to read it without nbgraph.

A store is one SQLite database (application id 0x6E626772, "nbgr"). All texts are UTF-8; columns that hold
structure hold JSON. For people, pandas and the ``sqlite3`` shell there are six views:

    v_runs       one row a run: run_id, graph, status, steps, seed, created, changed, input, error, final, ...; of a
                 fork also origin (a run_id) and origin_step; ``steps`` counts the shared ones too
    v_steps      one row a committed step: run_id, step, node, task, status, attempts, base, parents, updates,
                 results, merged, arrivals, snapshot, mark, facts, key, committed; of a fork only its own steps:
                 those up to its origin_step are its origin's
    v_tasks      the same, short: run_id, step, node, status, attempts, started, seconds, committed
    v_events     one row an event: run_id, seq, step, time, kind, node, task, data
    v_calls      one row a line of the log of calls: run_id, seq, time, node, task, attempt, name, phase, request, data
    v_questions  one row a question: run_id, seq, time, node, task, name, prompt, answer, answered, answered_by;
                 the last three are NULL while it is open; prompt is text or JSON, answer is JSON

The data of a call's last line says what it used, and what it cost in US dollars with the price of then, as exact text:
``json_extract(data, '$.usage.input_tokens')``, ``json_extract(data, '$.cost.usd')``; NULL where nobody knows. A line
with "reused" was answered by the record of another run, and paid there.

Times are seconds since 1970-01-01 UTC:

    pandas.read_sql("SELECT * FROM v_steps WHERE run_id = ?", sqlite3.connect("runs.sqlite"), params=["r1"])

Under the views: ``runs`` (what is fixed), ``statuses`` (what changes), ``leases`` (who drives), ``graphs`` (graphs
followed later on), ``steps``, ``events``, ``calls``, ``answers``, ``forks``, ``blobs`` and ``migrations``. A row that
belongs to a run has ``id = run << 32 | number``: one b-tree per table, rows of a run side by side, no second index to
keep. An answer has the number of its question's line; row 0 of a run in ``answers`` covers the set of them. A line of
``calls`` with ``attempt`` -1 only holds the last number: what it told of was dropped with the steps before a run's new
beginning. ``forks`` has, for a run that shares the first steps of another: that one's ``ref``, the last shared step, and
the digest of that step's row (for step 0: of the run's).

``digest`` columns chain rows (``digests``); writing into the file by other means is noticed when it is read. Of rows
that were cut off the end of a chain only those of ``steps`` and ``events`` up to the last change of status are missed:
the last lines of ``calls``, gone without a trace, would not be.

Owns these texts only.
"""

from __future__ import annotations

APPLICATION_ID = 0x6E626772
VERSION = 2
SHIFT = 32
MASK = (1 << SHIFT) - 1

TABLES = {
    "runs": """CREATE TABLE runs (
  ref INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  run_id TEXT NOT NULL UNIQUE,
  graph TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  seed TEXT NOT NULL,
  created REAL NOT NULL,
  options TEXT NOT NULL,
  description TEXT NOT NULL,
  input TEXT NOT NULL
)""",
    "statuses": """CREATE TABLE statuses (
  run INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  changed REAL NOT NULL,
  steps INTEGER NOT NULL,
  head TEXT NOT NULL,
  events INTEGER NOT NULL,
  event_head TEXT NOT NULL,
  status TEXT NOT NULL,
  error TEXT NOT NULL,
  final TEXT NOT NULL
)""",
    "leases": """CREATE TABLE leases (
  run INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  fence INTEGER NOT NULL,
  holder TEXT NOT NULL,
  expires REAL NOT NULL
)""",
    "graphs": """CREATE TABLE graphs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  fingerprint TEXT NOT NULL,
  description TEXT NOT NULL
)""",
    "steps": """CREATE TABLE steps (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  committed REAL NOT NULL,
  key TEXT NOT NULL,
  task TEXT NOT NULL,
  node TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  base INTEGER NOT NULL,
  parents TEXT NOT NULL,
  mark TEXT NOT NULL,
  arrivals TEXT NOT NULL,
  updates TEXT NOT NULL,
  results TEXT NOT NULL,
  merged TEXT NOT NULL,
  facts TEXT NOT NULL,
  snapshot TEXT NOT NULL
)""",
    "steps_key": "CREATE UNIQUE INDEX steps_key ON steps (key)",
    "events": """CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  step INTEGER NOT NULL,
  time REAL NOT NULL,
  kind TEXT NOT NULL,
  node TEXT NOT NULL,
  task TEXT NOT NULL,
  data TEXT NOT NULL
)""",
    "calls": """CREATE TABLE calls (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  time REAL NOT NULL,
  task TEXT NOT NULL,
  node TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  request TEXT NOT NULL,
  data TEXT NOT NULL
)""",
    "answers": """CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  time REAL NOT NULL,
  value TEXT NOT NULL,
  person TEXT NOT NULL
)""",
    "forks": """CREATE TABLE forks (
  run INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  parent INTEGER NOT NULL,
  step INTEGER NOT NULL,
  head TEXT NOT NULL
)""",
    "blobs": """CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  data BLOB NOT NULL
)""",
    "migrations": """CREATE TABLE migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied REAL NOT NULL
)""",
}

VIEWS = {
    "v_runs": """CREATE VIEW v_runs AS
SELECT r.run_id, r.graph, s.status,
  coalesce((SELECT max(id) & 4294967295 FROM steps WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295),
    f.step, 0) AS steps,
  r.seed, r.created, s.changed, l.holder, s.error, s.final,
  (WITH RECURSIVE up (ref) AS (SELECT r.ref UNION ALL SELECT u.parent FROM up JOIN forks u ON u.run = up.ref)
    SELECT i.input FROM up JOIN runs i ON i.ref = up.ref ORDER BY i.ref LIMIT 1) AS input,
  r.options, r.fingerprint, r.description, o.run_id AS origin, f.step AS origin_step
FROM runs r JOIN statuses s ON s.run = r.ref JOIN leases l ON l.run = r.ref
  LEFT JOIN forks f ON f.run = r.ref LEFT JOIN runs o ON o.ref = f.parent ORDER BY r.ref""",
    "v_steps": """CREATE VIEW v_steps AS
SELECT r.run_id, s.id & 4294967295 AS step, s.node, s.task, s.status, s.attempts, s.base, s.parents, s.updates,
  s.results, s.merged, s.arrivals, s.snapshot, s.mark, s.facts, s.key, s.committed
FROM steps s JOIN runs r ON r.ref = s.id >> 32 ORDER BY s.id""",
    "v_tasks": """CREATE VIEW v_tasks AS
SELECT r.run_id, s.id & 4294967295 AS step, s.node, s.status, s.attempts,
  CASE WHEN json_valid(s.facts) THEN json_extract(s.facts, '$.started') END AS started,
  CASE WHEN json_valid(s.facts) THEN json_extract(s.facts, '$.seconds') END AS seconds,
  s.committed, s.task
FROM steps s JOIN runs r ON r.ref = s.id >> 32 ORDER BY s.id""",
    "v_events": """CREATE VIEW v_events AS
SELECT r.run_id, e.id & 4294967295 AS seq, e.step, e.time, e.kind, e.node, e.task, e.data
FROM events e JOIN runs r ON r.ref = e.id >> 32 ORDER BY e.id""",
    "v_calls": """CREATE VIEW v_calls AS
SELECT r.run_id, c.id & 4294967295 AS seq, c.time, c.node, c.task, c.attempt, c.name, c.phase, c.request, c.data
FROM calls c JOIN runs r ON r.ref = c.id >> 32 WHERE c.attempt >= 0 ORDER BY c.id""",
    "v_questions": """CREATE VIEW v_questions AS
SELECT r.run_id, q.id & 4294967295 AS seq, q.time, q.node, q.task, q.name,
  CASE WHEN json_valid(q.data) THEN
    coalesce(json_extract(q.data, '$.request.asked.prompt'), json_extract(q.data, '$.prompt')) END AS prompt,
  coalesce(a.value, CASE WHEN json_valid(l.data) THEN json_quote(json_extract(l.data, '$.value')) END) AS answer,
  coalesce(a.time, l.time) AS answered,
  coalesce(a.person, CASE WHEN json_valid(l.data) THEN json_extract(l.data, '$.by') END) AS answered_by
FROM calls q JOIN runs r ON r.ref = q.id >> 32 LEFT JOIN answers a ON a.id = q.id
  LEFT JOIN calls l ON l.id BETWEEN q.id + 1 AND q.id | 4294967295
    AND l.task = q.task AND l.name = q.name AND l.request = q.request AND l.phase = 'answered'
WHERE q.phase = 'asked' AND q.attempt >= 0 ORDER BY q.id""",
}

SCHEMA = TABLES | VIEWS
"""Name -> exact text of everything in the file, in the order of creation."""
