-- What the organisation (scope `tenant`) and its templates (scope: the id) set, as JSON. revision 1 is the first that was stored.
CREATE TABLE policies (
  tenant_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  body TEXT NOT NULL,
  revision INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, scope)
) STRICT;

-- Refusals of one field in one hour, so that pages need not search the trail for them.
CREATE TABLE policy_refusals (
  tenant_id TEXT NOT NULL,
  field TEXT NOT NULL,
  hour TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, field, hour)
) STRICT;
CREATE INDEX policy_refusals_hour ON policy_refusals (hour);

-- Proofs of browsers' keys (RFC 9449) that were used; each works once.
CREATE TABLE used_proofs (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX used_proofs_expiry ON used_proofs (expires_at);

-- JSON array of the policy's fields that the runner enforces; NULL: it has not said yet.
ALTER TABLE runners ADD COLUMN enforces TEXT;
-- Where a browser connects from and with which key, how long its connection may last and stay unused. NULL: of the release before.
ALTER TABLE connections ADD COLUMN ip TEXT;
ALTER TABLE connections ADD COLUMN key_thumbprint TEXT;
ALTER TABLE tickets ADD COLUMN ends_at TEXT;
ALTER TABLE tickets ADD COLUMN idle_minutes INTEGER;

-- When a workspace was last started; NULL: not since it was made, or by the release before.
ALTER TABLE workspaces ADD COLUMN started_at TEXT;
CREATE INDEX workspaces_running ON workspaces (tenant_id) WHERE desired = 'running' AND phase = 'running';
CREATE INDEX connections_ended ON connections (tenant_id, workspace_id, ended_at);
