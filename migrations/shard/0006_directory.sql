-- Roles that an organisation makes itself. permissions: JSON array.
CREATE TABLE roles (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  permissions TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX roles_name ON roles (tenant_id, name COLLATE NOCASE);

-- Service accounts hold roles, too; SQLite changes a CHECK only by a new table.
CREATE TABLE role_assignments_next (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  role TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK (subject_type IN ('user', 'group', 'service-account')),
  subject_id TEXT NOT NULL,
  expires_at TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT,
  PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO role_assignments_next (tenant_id, id, role, subject_type, subject_id, expires_at, created_at, created_by)
  SELECT tenant_id, id, role, subject_type, subject_id, expires_at, created_at, created_by FROM role_assignments;
DROP TABLE role_assignments;
ALTER TABLE role_assignments_next RENAME TO role_assignments;
CREATE UNIQUE INDEX role_assignments_subject ON role_assignments (tenant_id, subject_type, subject_id, role);
CREATE INDEX role_assignments_role ON role_assignments (tenant_id, role);

ALTER TABLE groups ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX groups_name ON groups (tenant_id, name COLLATE NOCASE);

-- Who may edit the members of a group, and nothing else of it.
CREATE TABLE group_managers (
  tenant_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, group_id, user_id)
) STRICT;
CREATE INDEX group_managers_user ON group_managers (tenant_id, user_id);
