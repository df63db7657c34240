import type { TemplateApp } from '@gatehouse/core/api/template-apps.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';

/** A web app as it is edited. */
export interface AppDraft extends Omit<TemplateApp, 'port'> {
  port: string;
}

export const EMPTY_APP: AppDraft = { name: '', port: '', command: '', icon: 'globe', share: 'owner' };

/** A template's content while it is edited: named values as rows, numbers as they are typed. */
export interface SpecDraft {
  repository: string;
  startupScript: string;
  environment: { name: string; value: string }[];
  apps: AppDraft[];
  driver: TemplateSpec['driver'];
}

export function draftOf(spec: TemplateSpec): SpecDraft {
  return {
    repository: spec.repository,
    startupScript: spec.startupScript,
    environment: Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
    apps: spec.apps.map((app) => ({ ...app, port: String(app.port) })),
    driver: spec.driver,
  };
}

/** What is sent. Rows that were left empty say nothing; a port that is no number is left to the schema. */
export function specOf(draft: SpecDraft): TemplateSpec {
  return {
    repository: draft.repository,
    startupScript: draft.startupScript,
    environment: Object.fromEntries(
      draft.environment.filter(({ name, value }) => name !== '' || value !== '').map(({ name, value }) => [name.trim(), value]),
    ),
    apps: draft.apps.filter(({ name, port }) => name !== '' || port !== '').map((app) => ({ ...app, port: Number(app.port) })),
    driver: draft.driver,
  };
}

export const EMPTY_DRAFT: SpecDraft = { repository: '', startupScript: '', environment: [], apps: [], driver: 'bubblewrap' };
