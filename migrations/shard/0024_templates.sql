-- Versions of templates: a draft can still change, a deprecated one is not for new workspaces; from `required_from` on older ones start as it.
ALTER TABLE template_versions ADD COLUMN state TEXT NOT NULL DEFAULT 'published' CHECK (state IN ('draft', 'published', 'deprecated'));
ALTER TABLE template_versions ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE template_versions ADD COLUMN published_at TEXT;
ALTER TABLE template_versions ADD COLUMN required_from TEXT;
UPDATE template_versions SET published_at = created_at;
CREATE UNIQUE INDEX template_versions_draft ON template_versions (tenant_id, template_id) WHERE state = 'draft';
CREATE UNIQUE INDEX template_versions_required ON template_versions (tenant_id, template_id) WHERE required_from IS NOT NULL;

-- What its owner chose for the template's parameters, as JSON by name.
ALTER TABLE workspaces ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
CREATE INDEX workspaces_version ON workspaces (tenant_id, version_id);

-- Values that workspaces get as environment and nobody reads back: sealed, see worker/platform/secrets.ts.
CREATE TABLE template_secrets (
  tenant_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, template_id, name)
) STRICT;

-- Fields of a template's content that the runner understands, as JSON; NULL where a release before did not say.
ALTER TABLE runners ADD COLUMN understands TEXT;
