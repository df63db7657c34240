-- Changes after which open connections must be looked at again; a row goes when that is done, and the sweep repeats it.
-- users: JSON array of ids, or NULL for everybody.
CREATE TABLE revocations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  users TEXT,
  cause TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX revocations_age ON revocations (created_at);
CREATE INDEX connections_open ON connections (tenant_id, user_id) WHERE ended_at IS NULL;
