-- Who changed what: one line for each operation that changes something. `arguments` is JSON, and holds nothing about
-- people; `outcome` is NULL while it is under way, and stays so when the process ends before it does.
CREATE TABLE audit (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  way       TEXT    NOT NULL,
  name      TEXT,
  place     TEXT    NOT NULL,
  operation TEXT    NOT NULL,
  arguments TEXT    NOT NULL,
  outcome   TEXT,
  note      TEXT
) STRICT;
