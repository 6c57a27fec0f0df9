-- Sinks that ever ran on this file. `since`: arrivals up to this one had been processed before the sink was there.
CREATE TABLE sinks (
  id    INTEGER PRIMARY KEY,
  name  TEXT    NOT NULL UNIQUE,
  since INTEGER NOT NULL
) STRICT;
INSERT INTO sinks (name, since) SELECT sink, 0 FROM outbox UNION SELECT sink, 0 FROM deliveries;

-- Which gifts, refunds and cancellations each sink has, by a hash of their ids with the salt. Never purged.
CREATE TABLE sent (
  key  BLOB    NOT NULL,
  sink INTEGER NOT NULL,
  PRIMARY KEY (key, sink)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_of_money ON outbox (record_id, sink) WHERE kind IN ('donation', 'refund', 'cancellation');
CREATE INDEX dead_letters_of_money ON dead_letters (record_id, component)
  WHERE stage = 'deliver' AND kind IN ('donation', 'refund', 'cancellation');

-- Backfills, at most one of each source under way: a stretch of time (`until` not included) to fetch again, beside the
-- source's own running. `collections` is JSON, `cursor` is where it goes on from. Of what it brought (`records`), `accepted`
-- was new here, `sent` went on its way to a sink, `known` was where it belongs, `dead` lies in dead letters.
CREATE TABLE backfills_anew (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  source      TEXT    NOT NULL,
  collections TEXT    NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  asked_at    INTEGER NOT NULL,
  resends     INTEGER NOT NULL DEFAULT 0,
  subscribes  INTEGER NOT NULL DEFAULT 0,
  is_paused   INTEGER NOT NULL DEFAULT 0,
  cursor      TEXT,
  records     INTEGER NOT NULL DEFAULT 0,
  accepted    INTEGER NOT NULL DEFAULT 0,
  sent        INTEGER NOT NULL DEFAULT 0,
  known       INTEGER NOT NULL DEFAULT 0,
  dead        INTEGER NOT NULL DEFAULT 0,
  state       TEXT    NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'cancelled', 'failed')),
  ended_at    INTEGER,
  error       TEXT
) STRICT;
INSERT INTO backfills_anew (id, source, collections, since, until, asked_at, cursor, records, accepted, state, ended_at,
                            error)
SELECT id, source, collections, since, until, asked_at, cursor, records, accepted, state, ended_at, error FROM backfills;
DROP TABLE backfills;
ALTER TABLE backfills_anew RENAME TO backfills;
CREATE UNIQUE INDEX backfills_under_way ON backfills (source) WHERE state = 'running';
CREATE INDEX backfills_of_source ON backfills (source, id);

-- What backfills brought and what is still to be processed. Without `raw` it is new, and the inbox has it; else the inbox
-- had it before, and this is how it came now. `is_of_young`: a sink that was not there yet may want it.
CREATE TABLE brought (
  id       INTEGER PRIMARY KEY,
  seq      INTEGER NOT NULL REFERENCES inbox (seq) ON DELETE CASCADE,
  backfill INTEGER NOT NULL,
  resends  INTEGER NOT NULL,
  source   TEXT    NOT NULL,
  is_of_young INTEGER NOT NULL,
  raw      BLOB,
  UNIQUE (seq, backfill)
) STRICT;

-- What a backfill that sends everything again has brought, so that what comes twice goes out once. Emptied once it ended.
CREATE TABLE resent (
  backfill INTEGER NOT NULL,
  key      BLOB    NOT NULL,
  PRIMARY KEY (backfill, key)
) STRICT, WITHOUT ROWID;

-- Set going again from the dead letters: what its sinks have by now is not delivered to them once more.
ALTER TABLE replays ADD COLUMN is_retry INTEGER NOT NULL DEFAULT 0;
