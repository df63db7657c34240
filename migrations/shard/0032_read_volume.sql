-- Bytes that a connection has read from its workspace, as the runner counted them; of a session of a web app, as the broker did.
ALTER TABLE connections ADD COLUMN read_files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN read_terminals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN read_other INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN read_apps INTEGER NOT NULL DEFAULT 0;
-- What one session has read.
CREATE INDEX connections_session ON connections (tenant_id, session_id);
