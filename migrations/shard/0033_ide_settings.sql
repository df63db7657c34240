-- What a person chose for the IDE, the same in every browser of theirs. JSON of what differs from what Gatehouse chose.
CREATE TABLE ide_settings (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  settings TEXT NOT NULL,
  revision INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) STRICT;
