-- How many workspaces somebody may have, and how many may run at once: of the organisation (subject_id empty), a group or a person.
-- NULL: nothing is said. A row stays when it says nothing any more, so that its revision goes on.
CREATE TABLE workspace_quotas (
  tenant_id TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK (subject_type IN ('tenant', 'group', 'user')),
  subject_id TEXT NOT NULL,
  workspaces INTEGER CHECK (workspaces >= 0),
  running INTEGER CHECK (running >= 0),
  revision INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, subject_type, subject_id)
) STRICT;

-- Workspaces that run on it at once; NULL: as many as there are.
ALTER TABLE runners ADD COLUMN capacity INTEGER CHECK (capacity >= 0);
-- Since when it is emptied, until when those that run may go on (NULL: as long as they like), and how many ran when that began.
ALTER TABLE runners ADD COLUMN drain_since TEXT;
ALTER TABLE runners ADD COLUMN drain_until TEXT;
ALTER TABLE runners ADD COLUMN drain_total INTEGER;
-- Nothing that it sends is taken any more, and nothing goes to it; its workspaces are still listed.
ALTER TABLE runners ADD COLUMN revoked_at TEXT;
-- Since when it has its keys; NULL: since it was enrolled.
ALTER TABLE runners ADD COLUMN keys_since TEXT;

-- `place`: it takes up one of its runner's places, from the moment at which it is handed over until the runner says that it is over.
-- `waits_since`: it is to run and waits in line for a place.
ALTER TABLE workspaces ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN waits_since TEXT;
UPDATE workspaces SET place = 1 WHERE phase IN ('queued', 'starting', 'running', 'stopping');
CREATE INDEX workspaces_places ON workspaces (tenant_id, runner_id) WHERE place = 1;
CREATE INDEX workspaces_waiting ON workspaces (tenant_id, runner_id, waits_since) WHERE waits_since IS NOT NULL;

-- Each change of a runner's keys, with the statement by which the keys before named those that follow.
CREATE TABLE runner_rotations (
  tenant_id TEXT NOT NULL,
  runner_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  old_identity_key TEXT NOT NULL,
  old_agreement_key TEXT NOT NULL,
  identity_key TEXT NOT NULL,
  agreement_key TEXT NOT NULL,
  old_signature TEXT NOT NULL,
  new_signature TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, runner_id, number)
) STRICT;
