-- A deleted account stays for the names in what it made.
CREATE TABLE service_accounts (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  responsible_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX service_accounts_name ON service_accounts (tenant_id, name) WHERE state <> 'deleted';

-- A token that is over stays for a while, so that its use can be told from a guess. scopes, networks: JSON arrays.
CREATE TABLE api_tokens (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  owner_type TEXT NOT NULL CHECK (owner_type IN ('user', 'service-account')),
  owner_id TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  networks TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT,
  last_used_at TEXT,
  last_used_from TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX api_tokens_secret ON api_tokens (tenant_id, secret_hash);
CREATE INDEX api_tokens_owner ON api_tokens (tenant_id, owner_type, owner_id);
CREATE INDEX api_tokens_expiry ON api_tokens (expires_at);
CREATE INDEX tickets_user ON tickets (tenant_id, user_id);
