-- Web apps and ports. A session of one is a connection like a browser's own, so that what takes access away finds it.
--
-- app: its label, NULL for the browser's own connection; app_named: the template names it; app_shared: it was opened by
-- somebody for whom only its being shared with the organisation opens it.
ALTER TABLE connections ADD COLUMN app TEXT;
ALTER TABLE connections ADD COLUMN app_named INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN app_shared INTEGER NOT NULL DEFAULT 0;
-- A one-time code that is exchanged on the app's host; NULL for a ticket of the browser's own connection.
ALTER TABLE tickets ADD COLUMN app TEXT;
ALTER TABLE tickets ADD COLUMN app_port INTEGER;
