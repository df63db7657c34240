-- Why it failed, as a code; NULL where it did not, or nobody said.
ALTER TABLE workspaces ADD COLUMN failure TEXT;
-- When its phase or step last changed.
ALTER TABLE workspaces ADD COLUMN changed_at TEXT;
-- When it was put into the trash, from which it can be restored until it is deleted for good.
ALTER TABLE workspaces ADD COLUMN trashed_at TEXT;

-- A name is free again while its workspace is in the trash.
DROP INDEX workspaces_name;
CREATE UNIQUE INDEX workspaces_name ON workspaces (tenant_id, owner_id, name) WHERE phase <> 'deleted' AND trashed_at IS NULL;
CREATE INDEX workspaces_trash ON workspaces (trashed_at) WHERE trashed_at IS NOT NULL AND desired <> 'deleted';
