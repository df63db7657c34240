-- A membership may end. WITHOUT ROWID: walking down from a group reads the primary key alone, and the end stands in it.
CREATE TABLE group_members_next (
  tenant_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  member_type TEXT NOT NULL CHECK (member_type IN ('user', 'group')),
  member_id TEXT NOT NULL,
  -- when it stops counting; NULL for good
  expires_at TEXT,
  PRIMARY KEY (tenant_id, group_id, member_type, member_id)
) STRICT, WITHOUT ROWID;
INSERT INTO group_members_next (tenant_id, group_id, member_type, member_id)
  SELECT tenant_id, group_id, member_type, member_id FROM group_members;
DROP TABLE group_members;
ALTER TABLE group_members_next RENAME TO group_members;
-- The walk up from a member reads this index alone.
CREATE INDEX group_members_member ON group_members (tenant_id, member_type, member_id, group_id, expires_at);
