-- Recordings of terminals. What was recorded lies in the bucket of recordings, sealed; here is only where and whose.

-- The newest key is the one that is recorded to; the others still open what was sealed to them. Of a key that the
-- organisation holds itself there is no private half here.
CREATE TABLE recording_keys (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('managed', 'held')),
  public_key TEXT NOT NULL,
  private_key TEXT,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE recording_settings (
  tenant_id TEXT PRIMARY KEY,
  retention_days INTEGER NOT NULL,
  revision INTEGER NOT NULL
);

CREATE TABLE recordings (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  workspace_name TEXT NOT NULL,
  template_id TEXT NOT NULL,
  template_name TEXT NOT NULL,
  person_id TEXT NOT NULL,
  person_name TEXT NOT NULL,
  runner_id TEXT NOT NULL,
  terminal_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  started_at TEXT NOT NULL,
  -- NULL: it goes on
  ended_at TEXT,
  slices INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  -- of the newest slice, which names the one before
  hash TEXT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX recordings_by_person ON recordings (tenant_id, person_id, id);
CREATE INDEX recordings_by_workspace ON recordings (tenant_id, workspace_id, id);
CREATE INDEX recordings_by_template ON recordings (tenant_id, template_id, id);
CREATE INDEX recordings_by_end ON recordings (ended_at);

CREATE TABLE recording_slices (
  tenant_id TEXT NOT NULL,
  recording_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tenant_id, recording_id, number)
);

-- Who has said that they watch, and so may read slices until then.
CREATE TABLE recording_watches (
  tenant_id TEXT NOT NULL,
  recording_id TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, recording_id, actor_id)
);

-- Deleted recordings whose slices are still to be taken from the bucket and the index.
CREATE TABLE recording_purges (
  tenant_id TEXT NOT NULL,
  recording_id TEXT NOT NULL,
  slices INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, recording_id)
);
