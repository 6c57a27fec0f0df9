-- Which other sources brought an arrival as well, and when each did so first. Goes with the arrival.
CREATE TABLE sightings (
  seq    INTEGER NOT NULL REFERENCES inbox (seq) ON DELETE CASCADE,
  source TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (seq, source)
) STRICT, WITHOUT ROWID;

-- 'sightings': of arrivals up to `seq` it was not noted who else brought them.
INSERT INTO progress (name, seq) SELECT 'sightings', coalesce(max(seq), 0) FROM inbox;
