BEGIN TRANSACTION;
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  data BLOB NOT NULL
);
INSERT INTO "blobs" VALUES(1,'d35c416a85b807e9b5384915d6ebb4a9f7352713efd89857b45a242f473728a9',X'6C61726765');
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  step INTEGER NOT NULL,
  time REAL NOT NULL,
  kind TEXT NOT NULL,
  node TEXT NOT NULL,
  task TEXT NOT NULL,
  data TEXT NOT NULL
);
INSERT INTO "events" VALUES(4294967297,X'1FF76FB9C92E446D0E7291789BA417E64B77DD8FCD9A130BB62CCB2D54C3A382',1,2001.25,'noted','n','','{}');
INSERT INTO "events" VALUES(4294967298,X'0001C658EB188C6D17DFD6ABF5B8575F3CB80FCA007C0D466DBB25F76B38E530',2,2002.25,'noted','n','','{}');
INSERT INTO "events" VALUES(4294967299,X'57BA5A6A418F556A16F5E584D7D3A4FB991C3EB6971576B2D3DF40ADCAC7600C',3,2003.25,'noted','n','','{}');
CREATE TABLE graphs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  fingerprint TEXT NOT NULL,
  description TEXT NOT NULL
);
INSERT INTO "graphs" VALUES(4294967299,X'A9E681A3EAF6E5E042EF07A5E405978B41AA2359B8F929019416960D7CF2DAC1','f1','{"nodes":["m"]}');
CREATE TABLE leases (
  run INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  fence INTEGER NOT NULL,
  holder TEXT NOT NULL,
  expires REAL NOT NULL
);
INSERT INTO "leases" VALUES(1,X'0A8E90B7B8D9B5A4547BA0495D019A19DA7F6A97E488B1AB3FA79578E99E4008',1,'',0.0);
CREATE TABLE migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied REAL NOT NULL
);
INSERT INTO "migrations" VALUES(1,'created',1000000.0);
CREATE TABLE runs (
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
);
INSERT INTO "runs" VALUES(1,X'7D1A1736B7143FBD87F1851061E450BF0BCDDF602061D013732FC42C97F3D6B0','r','graph','f0','7',1000.5,'{}','{"nodes":["n"]}','{"count":0}');
CREATE TABLE statuses (
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
);
INSERT INTO "statuses" VALUES(1,X'FF7DF2161ED889F43A2C5E3AA2D5CEA77D8A12F8E124BD092BBE1FDF8574CA25',1000000.0,3,'20c63d195b833f6c1568a7f8eccc7d1d2096b48fe1a55e0a03aa4d72219da524',3,'57ba5a6a418f556a16f5e584d7d3a4fb991c3eb6971576b2d3df40adcac7600c','paused','','');
CREATE TABLE steps (
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
);
INSERT INTO "steps" VALUES(4294967297,X'C32C530B28C2778654C67941E071822D53B93EE0547DE866C4119D11C0B29F24',1000000.0,'bdb7cfb21ed7b2b29f744965d0a48fff49d1a26e8b29f006dadb3f3ddf02700a','9c70423078253913200a3450779974e811b32c547d0ef61297546552d8a6f4bf','n','done',1,0,'[[0,"e0"]]','{"live":[]}','["e0"]','{"count":1}','','','{"seconds":0.5,"started":10.0}','');
INSERT INTO "steps" VALUES(4294967298,X'417C882BDB74E025067FFAD32784EFF48B4124BF190FA963DC920286C20961B3',1000000.0,'7cb38c1a25d7acae8856f93c79efa56760fcf7b78676ac4b53377b8bd2459bdc','07144f0f4bbcc94ac1633cf0adb46cc914674206242722813e1f29c540eb25e3','n','done',1,1,'[[1,"e0"]]','{"live":[]}','["e0"]','{"count":2}','','','{"seconds":0.5,"started":10.0}','{"count":2}');
INSERT INTO "steps" VALUES(4294967299,X'20C63D195B833F6C1568A7F8ECCC7D1D2096B48FE1A55E0A03AA4D72219DA524',1000000.0,'db43ab34b90be00f98959ab6227aa141711bb0d7fa973e3cc900e6e737f2cbb7','143bfb30e2d6f5ab882e2ad21b44a8cf4102f27b7bf667298190e9b3326bb486','n','done',1,2,'[[2,"e0"]]','{"live":[]}','["e0"]','{"count":3}','','','{"seconds":0.5,"started":10.0}','');
CREATE UNIQUE INDEX steps_key ON steps (key);
CREATE VIEW v_runs AS
SELECT r.run_id, r.graph, s.status,
  coalesce((SELECT max(id) & 4294967295 FROM steps WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295), 0)
    AS steps,
  r.seed, r.created, s.changed, l.holder, s.error, s.final, r.input, r.options, r.fingerprint, r.description
FROM runs r JOIN statuses s ON s.run = r.ref JOIN leases l ON l.run = r.ref ORDER BY r.ref;
CREATE VIEW v_steps AS
SELECT r.run_id, s.id & 4294967295 AS step, s.node, s.task, s.status, s.attempts, s.base, s.parents, s.updates,
  s.results, s.merged, s.arrivals, s.snapshot, s.mark, s.facts, s.key, s.committed
FROM steps s JOIN runs r ON r.ref = s.id >> 32 ORDER BY s.id;
CREATE VIEW v_tasks AS
SELECT r.run_id, s.id & 4294967295 AS step, s.node, s.status, s.attempts,
  CASE WHEN json_valid(s.facts) THEN json_extract(s.facts, '$.started') END AS started,
  CASE WHEN json_valid(s.facts) THEN json_extract(s.facts, '$.seconds') END AS seconds,
  s.committed, s.task
FROM steps s JOIN runs r ON r.ref = s.id >> 32 ORDER BY s.id;
CREATE VIEW v_events AS
SELECT r.run_id, e.id & 4294967295 AS seq, e.step, e.time, e.kind, e.node, e.task, e.data
FROM events e JOIN runs r ON r.ref = e.id >> 32 ORDER BY e.id;
COMMIT;