-- Each destination has a filter and a format, and can be held: it refuses us until somebody changes something.
-- SQLite changes a CHECK only by a new table.
CREATE TABLE siem_destinations_next (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  filter TEXT NOT NULL DEFAULT '',
  format TEXT NOT NULL DEFAULT 'native',
  secret TEXT NOT NULL,
  -- of a webhook: the key that verifies, and until when the former secret signs, too
  public_key TEXT,
  rotates_until TEXT,
  state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'failing', 'held')),
  -- id of the replay that runs; its progress is in the ledger
  replay TEXT,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO siem_destinations_next (tenant_id, id, name, config, secret, state, created_at)
  SELECT tenant_id, id, name, config, secret, state, created_at FROM siem_destinations;
DROP TABLE siem_destinations;
ALTER TABLE siem_destinations_next RENAME TO siem_destinations;
