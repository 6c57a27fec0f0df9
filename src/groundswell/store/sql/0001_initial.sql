-- The state file. Times are whole milliseconds since 1970, UTC. Sequence numbers only ever rise.

-- What was accepted, as it came. Kept after processing for replay, and so that a duplicate is known by its id.
CREATE TABLE inbox (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  received_at INTEGER NOT NULL,
  raw         BLOB    NOT NULL
) STRICT;

-- How far each is in the inbox. 'processor': all up to `seq` has become deliveries or dead letters. 'id_index': all ids up
-- to `seq` are in the index of ids, some after it too.
CREATE TABLE progress (
  name TEXT    PRIMARY KEY,
  seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO progress (name, seq) VALUES ('processor', 0), ('id_index', 0);

-- Where ids are in the inbox, by a hash of each (see ids.py). The newest are not in here yet.
CREATE TABLE id_index (
  key INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

-- Arrivals that somebody asked to have processed once more.
CREATE TABLE replays (
  seq INTEGER PRIMARY KEY REFERENCES inbox (seq) ON DELETE CASCADE
) STRICT;

-- Deliveries not settled yet. `body` is the record as JSON.
CREATE TABLE outbox (
  seq             INTEGER PRIMARY KEY,
  sink            TEXT    NOT NULL,
  inbox_seq       INTEGER NOT NULL,
  record_id       TEXT    NOT NULL,
  kind            TEXT    NOT NULL,
  lane            TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  attempts        INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  body            BLOB    NOT NULL
) STRICT;
CREATE INDEX outbox_of_sink ON outbox (sink, seq);

-- The log of settled deliveries: outcome is delivered, skipped, coalesced or dead.
CREATE TABLE deliveries (
  seq        INTEGER PRIMARY KEY,
  sink       TEXT    NOT NULL,
  inbox_seq  INTEGER NOT NULL,
  outcome    TEXT    NOT NULL,
  note       TEXT,
  attempts   INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  settled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_of_arrival ON deliveries (inbox_seq);

-- What cannot succeed as it is, until a person retries or drops it.
-- stage: accept (a body nobody could read), process (source or transform failed), deliver (a sink refused).
-- `body` is the body as it came (accept), NULL (process: it is in the inbox), or the record as JSON (deliver).
CREATE TABLE dead_letters (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  stage      TEXT    NOT NULL CHECK (stage IN ('accept', 'process', 'deliver')),
  component  TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  message    TEXT    NOT NULL,
  inbox_seq  INTEGER,
  record_id  TEXT    NOT NULL,
  kind       TEXT,
  lane       TEXT,
  body       BLOB,
  attempts   INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_of_arrival ON dead_letters (inbox_seq);
CREATE INDEX dead_letters_by_stage ON dead_letters (stage, component, id);

-- Where each source goes on from.
CREATE TABLE cursors (
  source   TEXT    PRIMARY KEY,
  cursor   TEXT    NOT NULL,
  saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last backfill asked for of each source: a stretch of time (`until` not included) to fetch again, beside the source's
-- own running. `collections` is JSON, `cursor` is where the backfill goes on from.
CREATE TABLE backfills (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  source      TEXT    NOT NULL UNIQUE,
  collections TEXT    NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  asked_at    INTEGER NOT NULL,
  cursor      TEXT,
  records     INTEGER NOT NULL DEFAULT 0,
  accepted    INTEGER NOT NULL DEFAULT 0,
  state       TEXT    NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'cancelled', 'failed')),
  ended_at    INTEGER,
  error       TEXT
) STRICT;

-- Components an operator has paused; they stay so over a restart.
CREATE TABLE paused (
  component TEXT    PRIMARY KEY,
  since     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- API keys. Only the scrypt hash of the secret is kept.
CREATE TABLE keys (
  account_id  TEXT    PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  secret_hash TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT, WITHOUT ROWID;

-- The newest delivery ever made: each is in the outbox, or in the log, whose newest line is never purged.
CREATE VIEW newest_delivery (seq) AS
SELECT max((SELECT coalesce(max(seq), 0) FROM outbox), (SELECT coalesce(max(seq), 0) FROM deliveries));
