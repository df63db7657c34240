CREATE TABLE templates (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  icon TEXT NOT NULL,
  version_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  acl_revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  deleted_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX templates_name ON templates (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE template_versions (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  spec TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX template_versions_number ON template_versions (tenant_id, template_id, number);

-- subject_id is empty for everyone.
CREATE TABLE template_acl (
  tenant_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK (subject_type IN ('user', 'group', 'everyone')),
  subject_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('view', 'use', 'admin')),
  expires_at TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, template_id, subject_type, subject_id)
) STRICT;
CREATE INDEX template_acl_subject ON template_acl (tenant_id, subject_type, subject_id);

CREATE TABLE runners (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  identity_key TEXT NOT NULL,
  agreement_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  version TEXT NOT NULL,
  platform TEXT NOT NULL,
  labels TEXT NOT NULL,
  drivers TEXT NOT NULL,
  warnings TEXT NOT NULL,
  load TEXT,
  online INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  last_seen_at TEXT,
  confirmed_at TEXT,
  deleted_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX runners_token ON runners (tenant_id, token_hash);
CREATE UNIQUE INDEX runners_name ON runners (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE runner_enrollments (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  name TEXT,
  created_by TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  runner_id TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX runner_enrollments_code ON runner_enrollments (tenant_id, code_hash);

CREATE TABLE workspaces (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  runner_id TEXT NOT NULL,
  desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped', 'deleted')),
  phase TEXT NOT NULL CHECK (phase IN ('queued', 'starting', 'running', 'stopping', 'stopped', 'failed', 'deleted')),
  generation INTEGER NOT NULL,
  step TEXT,
  percent INTEGER,
  error TEXT,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX workspaces_name ON workspaces (tenant_id, owner_id, name) WHERE phase <> 'deleted';
CREATE INDEX workspaces_runner ON workspaces (tenant_id, runner_id);
CREATE INDEX workspaces_template ON workspaces (tenant_id, template_id);

-- One row for each connection of a browser to a workspace, written before access is given.
CREATE TABLE connections (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  ended_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX connections_workspace ON connections (tenant_id, workspace_id);

CREATE TABLE tickets (
  tenant_id TEXT NOT NULL,
  ticket_hash TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, ticket_hash)
) STRICT;
CREATE INDEX tickets_expiry ON tickets (expires_at);
