-- A ticket is for one way of connecting (own, join) and for one browser's key (RFC 7638). The defaults are for tickets
-- that the release before issued, which live for 30 seconds.
ALTER TABLE tickets ADD COLUMN access TEXT NOT NULL DEFAULT 'own' CHECK (access IN ('own', 'join'));
ALTER TABLE tickets ADD COLUMN key_thumbprint TEXT NOT NULL DEFAULT '';
