-- A mapping may make groups: of the name that the pattern in `target` makes of the directory's.
-- SQLite changes no CHECK in place.
CREATE TABLE group_mappings_next (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('name', 'prefix', 'regex')),
  pattern TEXT NOT NULL,
  target_type TEXT NOT NULL CHECK (target_type IN ('role', 'group', 'template', 'made-group')),
  target TEXT NOT NULL,
  -- what becomes of a group that it made once the directory's is gone
  when_gone TEXT CHECK (when_gone IN ('empty', 'delete')),
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO group_mappings_next
  SELECT tenant_id, id, provider_id, kind, pattern, target_type, target, NULL, created_at, created_by FROM group_mappings;
DROP TABLE group_mappings;
ALTER TABLE group_mappings_next RENAME TO group_mappings;
CREATE UNIQUE INDEX group_mappings_rule ON group_mappings (tenant_id, provider_id, kind, pattern, target_type, target);

-- The mapping that puts the directory's groups into this one: it made it, or somebody handed it over, which is never deleted by itself.
ALTER TABLE groups ADD COLUMN kept_by TEXT;
ALTER TABLE groups ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;
CREATE INDEX groups_kept ON groups (tenant_id, kept_by) WHERE kept_by IS NOT NULL;

-- A proof of a mail domain is looked at again: since when its record is missing.
ALTER TABLE mail_domains ADD COLUMN missing_since TEXT;
CREATE INDEX mail_domains_due ON mail_domains (checked_at) WHERE verified_at IS NOT NULL;
