-- 1: the policy changed, so what it says of connections is looked at again, too.
ALTER TABLE revocations ADD COLUMN policy INTEGER NOT NULL DEFAULT 0;
