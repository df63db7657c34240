-- How many days the organisation's audit log is kept in the archive. The ledger learns it by the event of its change.
ALTER TABLE tenants ADD COLUMN audit_retention_days INTEGER NOT NULL DEFAULT 365;
