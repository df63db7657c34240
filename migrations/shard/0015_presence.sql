-- When the person last showed a passkey in this session, at sign-in or again; NULL: not in this session.
ALTER TABLE sessions ADD COLUMN presence_at TEXT;
UPDATE sessions SET presence_at = authenticated_at WHERE method = 'passkey' AND authenticated_at = created_at;

-- When a connection's person must have shown a passkey again; NULL: the policy does not ask for it.
ALTER TABLE tickets ADD COLUMN presence_until TEXT;
