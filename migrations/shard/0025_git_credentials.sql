-- A person's credentials at git hosts. The secret is sealed; it leaves only sealed again, to the runner of a workspace of theirs.
CREATE TABLE git_credentials (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  host TEXT NOT NULL,
  username TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX git_credentials_host ON git_credentials (tenant_id, user_id, host);
