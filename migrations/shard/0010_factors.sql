-- The organisation's rule: nobody works here with a password alone.
ALTER TABLE tenants ADD COLUMN two_factors_required INTEGER NOT NULL DEFAULT 0 CHECK (two_factors_required IN (0, 1));

-- How and when the person proved who they are (the empty time: long ago), and where from.
ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN authenticated_at TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN country TEXT;
ALTER TABLE sessions ADD COLUMN city TEXT;

CREATE TABLE passkeys (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  credential_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  counter INTEGER NOT NULL,
  transports TEXT NOT NULL,
  synced INTEGER NOT NULL,
  backed_up INTEGER NOT NULL,
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX passkeys_credential ON passkeys (tenant_id, credential_id);
CREATE INDEX passkeys_user ON passkeys (tenant_id, user_id);

-- A challenge that an authenticator is to sign: for one ceremony, for one session (empty before sign-in), once.
CREATE TABLE passkey_challenges (
  tenant_id TEXT NOT NULL,
  challenge_hash TEXT NOT NULL,
  ceremony TEXT NOT NULL CHECK (ceremony IN ('add', 'sign-in', 'step-up')),
  session_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, challenge_hash)
) STRICT;
CREATE INDEX passkey_challenges_expiry ON passkey_challenges (expires_at);

-- last_step: the newest 30 seconds whose code was used, so that none works twice. Without confirmed_at it counts for nothing.
CREATE TABLE totp_secrets (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  secret TEXT NOT NULL,
  last_step INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  confirmed_at TEXT,
  PRIMARY KEY (tenant_id, user_id)
) STRICT;

-- A used code's row is gone.
CREATE TABLE recovery_codes (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, code_hash)
) STRICT;

-- Somebody whose password was right and who owes the second factor.
CREATE TABLE second_factor_challenges (
  tenant_id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
) STRICT;
CREATE INDEX second_factor_challenges_user ON second_factor_challenges (tenant_id, user_id);
CREATE INDEX second_factor_challenges_expiry ON second_factor_challenges (expires_at);

CREATE TABLE password_resets (
  tenant_id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  user_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
) STRICT;
CREATE INDEX password_resets_user ON password_resets (tenant_id, user_id);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);

-- Browser, system and country that a person has signed in with; anything else is worth a mail.
CREATE TABLE known_devices (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, device)
) STRICT;
