-- How delivery stands (cursor, last success, last error) is kept by the tenant's ledger.
CREATE TABLE siem_destinations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  secret TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'failing')),
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
