-- Where people of a mail domain sign in. Only domains that their organisation has proved are here.
CREATE TABLE mail_domains (
  domain TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  verified_at TEXT NOT NULL
) STRICT;
CREATE INDEX mail_domains_tenant ON mail_domains (tenant_id);
