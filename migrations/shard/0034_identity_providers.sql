-- An organisation's identity provider: people sign in through it (OIDC), it keeps people and groups up to date (SCIM), or both.
CREATE TABLE identity_providers (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  -- whose guide and whose traps: okta, entra, google, keycloak, other
  preset TEXT NOT NULL,
  -- JSON: issuer, client, claims, who is let in, …; NULL: it does not sign in
  oidc TEXT,
  -- client secret or private key, sealed
  oidc_secret TEXT,
  oidc_secret_expires_at TEXT,
  oidc_state TEXT NOT NULL DEFAULT 'off' CHECK (oidc_state IN ('off', 'on')),
  -- JSON: what the provider says of itself, and when it was asked
  oidc_metadata TEXT,
  oidc_error TEXT,
  oidc_error_at TEXT,
  -- what works with a trap, as groups that the provider left out
  oidc_warning TEXT,
  oidc_warning_at TEXT,
  oidc_used_at TEXT,
  -- JSON: how what is provisioned is taken
  scim TEXT,
  scim_error TEXT,
  scim_error_at TEXT,
  scim_used_at TEXT,
  revision INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX identity_providers_name ON identity_providers (tenant_id, name COLLATE NOCASE);

-- Somebody as a provider knows them: by issuer and subject, never by address.
CREATE TABLE identities (
  tenant_id TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  PRIMARY KEY (tenant_id, issuer, subject)
) STRICT;
CREATE INDEX identities_user ON identities (tenant_id, user_id);

-- A sign-in, a step-up or a test that is on its way to the provider and back.
CREATE TABLE sso_flows (
  tenant_id TEXT NOT NULL,
  -- hash of the state that travels
  state_hash TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('sign-in', 'step-up', 'test')),
  -- hash of the secret that only the browser that began it holds
  browser_hash TEXT NOT NULL,
  session_id TEXT,
  nonce TEXT NOT NULL,
  -- PKCE verifier, sealed
  verifier TEXT NOT NULL,
  -- path within Gatehouse to go on to
  return_to TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, state_hash)
) STRICT;
CREATE INDEX sso_flows_expiry ON sso_flows (expires_at);

-- Which session of the provider a session of ours hangs on, to be ended with it.
ALTER TABLE sessions ADD COLUMN provider_id TEXT;
ALTER TABLE sessions ADD COLUMN provider_subject TEXT;
ALTER TABLE sessions ADD COLUMN provider_sid TEXT;
-- the ID token, sealed, where signing out here signs out there, too
ALTER TABLE sessions ADD COLUMN provider_token TEXT;
CREATE INDEX sessions_provider ON sessions (tenant_id, provider_id, provider_subject) WHERE provider_id IS NOT NULL;

-- Groups that a provider names in its tokens, as it names them; the group of ours may have to differ.
CREATE TABLE sso_groups (
  tenant_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  value TEXT NOT NULL,
  group_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, provider_id, value)
) STRICT;

-- Logout tokens that have done their work (OpenID Connect Back-Channel Logout 1.0, §2.6).
CREATE TABLE used_logout_tokens (
  tenant_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  jti TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, provider_id, jti)
) STRICT;
CREATE INDEX used_logout_tokens_expiry ON used_logout_tokens (expires_at);

-- Mail domains that an organisation says are its own; the directory knows those that were proved.
CREATE TABLE mail_domains (
  tenant_id TEXT NOT NULL,
  domain TEXT NOT NULL,
  -- what the TXT record must say
  challenge TEXT NOT NULL,
  verified_at TEXT,
  checked_at TEXT,
  -- whose sign-in is offered to people of that domain
  provider_id TEXT,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, domain)
) STRICT;

-- Single sign-on is required of everybody but those who must be able to come in when the provider is down.
ALTER TABLE tenants ADD COLUMN sso_required INTEGER NOT NULL DEFAULT 0;
CREATE TABLE break_glass (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) STRICT;

-- Who suspended somebody: what a person did by hand, a directory does not undo.
ALTER TABLE users ADD COLUMN suspended_by TEXT CHECK (suspended_by IN ('hand', 'directory'));

CREATE TABLE scim_tokens (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at TEXT,
  revoked_at TEXT,
  last_used_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX scim_tokens_secret ON scim_tokens (tenant_id, secret_hash);
CREATE INDEX scim_tokens_provider ON scim_tokens (tenant_id, provider_id);

-- Somebody as SCIM tells of them. The person themselves is in users.
CREATE TABLE scim_users (
  tenant_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  -- lower case: userName is compared without regard to case (RFC 7643 §4.1.1)
  user_name TEXT NOT NULL,
  external_id TEXT,
  active INTEGER NOT NULL,
  -- JSON: the resource as it was sent, for attributes that Gatehouse does not use itself
  resource TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  -- the directory let go of them; who comes back is the same person
  deleted_at TEXT,
  PRIMARY KEY (tenant_id, provider_id, user_id)
) STRICT;
CREATE UNIQUE INDEX scim_users_name ON scim_users (tenant_id, provider_id, user_name) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_external ON scim_users (tenant_id, provider_id, external_id);
CREATE INDEX scim_users_user ON scim_users (tenant_id, user_id);

CREATE TABLE scim_groups (
  tenant_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  -- as the directory calls it; the group of ours may have to differ
  display_name TEXT NOT NULL,
  external_id TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, provider_id, group_id)
) STRICT;
CREATE UNIQUE INDEX scim_groups_name ON scim_groups (tenant_id, provider_id, display_name COLLATE NOCASE);
CREATE INDEX scim_groups_external ON scim_groups (tenant_id, provider_id, external_id);
CREATE INDEX scim_groups_group ON scim_groups (tenant_id, group_id);

-- What each call of a directory asked for and changed.
CREATE TABLE provisioning_calls (
  tenant_id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  id TEXT NOT NULL,
  time TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER NOT NULL,
  -- JSON: whom it was about, what it changed, in words and values; or the error
  outcome TEXT NOT NULL,
  -- JSON: the body, without secrets, cut
  request TEXT,
  PRIMARY KEY (tenant_id, provider_id, id)
) STRICT;

-- Groups of a directory by name, and what they give: a role, membership of a group of our own, or the use of a template.
-- What was given bears the mapping's id (created_by, given_by) and goes with it.
CREATE TABLE group_mappings (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('name', 'prefix', 'regex')),
  pattern TEXT NOT NULL,
  target_type TEXT NOT NULL CHECK (target_type IN ('role', 'group', 'template')),
  target TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX group_mappings_rule ON group_mappings (tenant_id, provider_id, kind, pattern, target_type, target);
ALTER TABLE group_members ADD COLUMN given_by TEXT;
CREATE INDEX group_members_given ON group_members (tenant_id, given_by) WHERE given_by IS NOT NULL;

-- Since when somebody is suspended or deleted, as the sweep saw it.
ALTER TABLE users ADD COLUMN left_at TEXT;
CREATE INDEX users_leaving ON users (state) WHERE state <> 'active' AND left_at IS NULL;
CREATE INDEX users_returned ON users (state) WHERE state = 'active' AND left_at IS NOT NULL;
CREATE INDEX users_left ON users (left_at) WHERE left_at IS NOT NULL;
