-- The small directory: which tenant lives in which shard. Nothing else of a tenant is here.
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  region TEXT NOT NULL,
  shard TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'active', 'suspended')),
  created_at TEXT NOT NULL
) STRICT;

-- Events that belong to no tenant: unknown organisations, the operator's work.
CREATE TABLE outbox (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX outbox_age ON outbox (created_at);

-- What a local deployment would have mailed. Stays empty when deployed.
CREATE TABLE local_mails (
  id INTEGER PRIMARY KEY,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_at TEXT NOT NULL
) STRICT;
