-- Snapshots of homes. What they hold lies sealed in a bucket: the service's, or the organisation's own. Here is where, whose,
-- and which chunk belongs to which.

-- Places that snapshots were ever sent to. The settings name the present one; the others are kept as long as something is there.
CREATE TABLE snapshot_stores (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('service', 's3')),
  -- of a bucket, JSON
  config TEXT,
  -- sealed
  secret TEXT,
  -- of all chunks and manifests in it
  bytes INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE snapshot_settings (
  tenant_id TEXT PRIMARY KEY,
  -- NULL: no snapshots are made
  store_id TEXT,
  every_hours INTEGER,
  -- JSON
  ignored TEXT NOT NULL,
  revision INTEGER NOT NULL
);

-- One workspace's key (sealed), its count of snapshots, and what its home is to be replaced with.
CREATE TABLE snapshot_homes (
  tenant_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL DEFAULT 0,
  restore_id TEXT,
  -- of the workspace's generations, the one that the wish came with
  restore_generation INTEGER,
  restore_kind TEXT CHECK (restore_kind IN ('replace', 'move')),
  PRIMARY KEY (tenant_id, workspace_id)
);

CREATE TABLE snapshots (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  -- counts within the workspace
  seq INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'making', 'done', 'failed')),
  cause TEXT NOT NULL,
  -- name of whoever asked
  asked_by TEXT,
  runner_id TEXT NOT NULL,
  store_id TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  exact INTEGER NOT NULL DEFAULT 0,
  files INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  sent INTEGER NOT NULL DEFAULT 0,
  manifest_bytes INTEGER NOT NULL DEFAULT 0,
  -- JSON: how many, and the first names
  changed TEXT,
  left_out TEXT,
  error TEXT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX snapshots_by_workspace ON snapshots (tenant_id, workspace_id, seq);

-- A chunk is of use to the snapshots from `first_seq` to `last_seq`, or to some of them: it goes when none of these is left.
CREATE TABLE snapshot_chunks (
  tenant_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  store_id TEXT NOT NULL,
  id TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, workspace_id, store_id, id)
);

-- Objects that are still to be taken from their bucket.
CREATE TABLE snapshot_purges (
  tenant_id TEXT NOT NULL,
  store_id TEXT NOT NULL,
  object_key TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, store_id, object_key)
);
CREATE INDEX snapshot_purges_by_tries ON snapshot_purges (tries);
