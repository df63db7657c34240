-- tenant_id stands first in every key and index: no query can cross tenants by accident.
CREATE TABLE tenants (
  tenant_id TEXT PRIMARY KEY,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  region TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE users (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deactivated')),
  password_hash TEXT,
  email_verified_at TEXT,
  created_at TEXT NOT NULL,
  last_seen_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX users_email ON users (tenant_id, email);

CREATE TABLE sessions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  ip TEXT,
  user_agent TEXT,
  key_thumbprint TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX sessions_secret ON sessions (tenant_id, secret_hash);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE email_verifications (
  tenant_id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
) STRICT;

CREATE TABLE invitations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  roles TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  invited_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX invitations_token ON invitations (tenant_id, token_hash);
CREATE UNIQUE INDEX invitations_email ON invitations (tenant_id, email);

CREATE TABLE role_assignments (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  role TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK (subject_type IN ('user', 'group')),
  subject_id TEXT NOT NULL,
  expires_at TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX role_assignments_subject ON role_assignments (tenant_id, subject_type, subject_id, role);

CREATE TABLE groups (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('local', 'scim', 'oidc')),
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE TABLE group_members (
  tenant_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  member_type TEXT NOT NULL CHECK (member_type IN ('user', 'group')),
  member_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, group_id, member_type, member_id)
) STRICT;
CREATE INDEX group_members_member ON group_members (tenant_id, member_type, member_id);

CREATE TABLE outbox (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX outbox_age ON outbox (created_at);

-- A tenant's data key, wrapped by the deployment's key-encryption key of that version.
CREATE TABLE tenant_keys (
  tenant_id TEXT PRIMARY KEY,
  kek_version TEXT NOT NULL,
  wrapped TEXT NOT NULL
) STRICT;
