-- When this connection's access is looked at again, as far as is known: the earliest end of what gives it. NULL until its
-- ticket opens a socket. Those that are open now end with their session at the latest.
ALTER TABLE connections ADD COLUMN lapses_at TEXT;
UPDATE connections SET lapses_at = coalesce(
  (SELECT s.expires_at FROM sessions s WHERE s.tenant_id = connections.tenant_id AND s.id = connections.session_id), opened_at)
WHERE ended_at IS NULL;
CREATE INDEX connections_lapse ON connections (lapses_at, opened_at) WHERE ended_at IS NULL;

-- Those that were tried and failed stand behind the others.
ALTER TABLE revocations ADD COLUMN tried_at TEXT;
