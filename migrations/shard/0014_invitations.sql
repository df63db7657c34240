-- Who is in an organisation is counted, and listed by id, from this index alone.
CREATE INDEX users_present ON users (tenant_id, id) WHERE state <> 'deactivated';

-- roles may name custom roles, too. groups: JSON array of ids. access_ends_at: when what is given ends; NULL for good.
ALTER TABLE invitations ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';
ALTER TABLE invitations ADD COLUMN access_ends_at TEXT;
