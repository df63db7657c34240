-- Who is in an organisation is counted, and listed by id, from this index alone.
CREATE INDEX users_present ON users (tenant_id, id) WHERE state <> 'deactivated';
