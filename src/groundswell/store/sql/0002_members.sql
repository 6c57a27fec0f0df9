-- One person per phone number. `body` is the member as MessagePack; what stands beside it is there to be found by.
CREATE TABLE members (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  phone      TEXT    NOT NULL UNIQUE,
  email      TEXT,
  changed_at INTEGER NOT NULL,
  body       BLOB    NOT NULL
) STRICT;
CREATE INDEX members_by_email ON members (email) WHERE email IS NOT NULL;

-- A member's counterparts: one row for each person that was seen in an account, linked or not. `kin` is the member whose
-- phone somebody who is not linked has too. `phone` is there only where neither says it. `since`: in this state since then.
CREATE TABLE links (
  account   TEXT    NOT NULL,
  remote_id TEXT    NOT NULL,
  member    INTEGER,
  kin       INTEGER,
  state     TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  phone     TEXT,
  email     TEXT,
  since     INTEGER NOT NULL,
  body      BLOB    NOT NULL,
  PRIMARY KEY (account, remote_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX links_of_member ON links (member, account) WHERE member IS NOT NULL;
CREATE INDEX links_of_kin ON links (kin, account) WHERE kin IS NOT NULL;
CREATE INDEX links_by_email ON links (email) WHERE email IS NOT NULL;
CREATE INDEX links_by_phone ON links (phone) WHERE phone IS NOT NULL;
CREATE INDEX links_by_state ON links (account, state, since);

-- How many links of each state an account has: kept by the triggers below, since counting a million rows takes long.
CREATE TABLE link_counts (
  account TEXT    NOT NULL,
  state   TEXT    NOT NULL,
  links   INTEGER NOT NULL,
  PRIMARY KEY (account, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER links_added AFTER INSERT ON links BEGIN
  INSERT INTO link_counts (account, state, links) VALUES (new.account, new.state, 1)
    ON CONFLICT DO UPDATE SET links = links + 1;
END;
CREATE TRIGGER links_changed AFTER UPDATE OF state ON links WHEN old.state <> new.state BEGIN
  UPDATE link_counts SET links = links - 1 WHERE account = old.account AND state = old.state;
  INSERT INTO link_counts (account, state, links) VALUES (new.account, new.state, 1)
    ON CONFLICT DO UPDATE SET links = links + 1;
END;
CREATE TRIGGER links_removed AFTER DELETE ON links BEGIN
  UPDATE link_counts SET links = links - 1 WHERE account = old.account AND state = old.state;
END;

-- What people said about being texted, and what was made of it. Only ever added to, but for somebody who is forgotten.
CREATE TABLE consents (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  phone     TEXT    NOT NULL,
  before    TEXT    NOT NULL,
  after     TEXT    NOT NULL,
  said      TEXT    NOT NULL,
  words     TEXT    NOT NULL,
  decision  TEXT    NOT NULL,
  source    TEXT    NOT NULL,
  record_id TEXT    NOT NULL,
  said_at   INTEGER NOT NULL,
  learnt_at INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_of_phone ON consents (phone);
CREATE TRIGGER consents_stand BEFORE UPDATE ON consents BEGIN
  SELECT raise(ABORT, 'a line of the ledger of consents is never changed');
END;

CREATE TABLE member_groups (
  member INTEGER NOT NULL,
  name   TEXT    NOT NULL,
  since  INTEGER NOT NULL,
  PRIMARY KEY (member, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_group ON member_groups (name);

-- Phones and emails of people who are to be forgotten, hashed with the salt, so that old records do not bring them back.
CREATE TABLE stones (
  hash BLOB    PRIMARY KEY,
  kind TEXT    NOT NULL CHECK (kind IN ('phone', 'email')),
  at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE salt (
  salt BLOB NOT NULL
) STRICT;
INSERT INTO salt (salt) VALUES (randomblob(32));
