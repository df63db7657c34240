-- An entry that an approved request made stands beside the subject's own one: its end must not take away what was there
-- before. grant_id is empty for entries that somebody wrote.
CREATE TABLE template_acl_next (
  tenant_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK (subject_type IN ('user', 'group', 'everyone')),
  subject_id TEXT NOT NULL,
  grant_id TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL CHECK (role IN ('view', 'use', 'admin')),
  expires_at TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, template_id, subject_type, subject_id, grant_id)
) STRICT;
INSERT INTO template_acl_next (tenant_id, template_id, subject_type, subject_id, role, expires_at, created_at, created_by)
SELECT tenant_id, template_id, subject_type, subject_id, role, expires_at, created_at, created_by FROM template_acl;
DROP TABLE template_acl;
ALTER TABLE template_acl_next RENAME TO template_acl;
CREATE INDEX template_acl_subject ON template_acl (tenant_id, subject_type, subject_id);

-- A person asks for `use` on a template for some hours. An approved one is the grant of that id.
CREATE TABLE access_requests (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  hours INTEGER NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'denied', 'withdrawn')),
  created_at TEXT NOT NULL,
  decided_at TEXT,
  decided_by TEXT,
  note TEXT,
  expires_at TEXT,
  -- when the asker has seen the decision
  seen_at TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX access_requests_open ON access_requests (tenant_id, user_id, template_id) WHERE state = 'open';
CREATE INDEX access_requests_state ON access_requests (tenant_id, state, template_id);
CREATE INDEX access_requests_user ON access_requests (tenant_id, user_id, id);

-- The grant without which the connection would not have been allowed.
ALTER TABLE tickets ADD COLUMN grant_id TEXT;
-- What closed a connection whose person may not have it any more, in words for them.
ALTER TABLE connections ADD COLUMN ended_cause TEXT;
CREATE INDEX connections_cause ON connections (tenant_id, workspace_id, user_id, ended_at) WHERE ended_cause IS NOT NULL;

-- Search by name in the order of names.
CREATE INDEX users_search ON users (tenant_id, name COLLATE NOCASE, id);
CREATE INDEX groups_search ON groups (tenant_id, name COLLATE NOCASE, id);

-- The walk from a member up to its groups reads the index alone.
DROP INDEX IF EXISTS group_members_member;
CREATE INDEX group_members_member ON group_members (tenant_id, member_type, member_id, group_id);
