-- What operators said of accounts. `credentials` are sealed; NULL where they stand in the configuration, or where the
-- account is disconnected. Whether it is, `disconnected_at` says.
CREATE TABLE connections (
  account         TEXT    PRIMARY KEY,
  type            TEXT    NOT NULL,
  credentials     BLOB,
  connected_at    INTEGER,
  disconnected_at INTEGER
) STRICT, WITHOUT ROWID;

-- How calls to each account went last: kept so that a restart knows since when.
CREATE TABLE connection_states (
  account  TEXT    PRIMARY KEY,
  state    TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  good_at  INTEGER,
  error    TEXT,
  error_at INTEGER,
  cause    TEXT
) STRICT, WITHOUT ROWID;
