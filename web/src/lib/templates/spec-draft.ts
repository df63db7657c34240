import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { parameterDraftOf, parameterOf, type ParameterDraft } from './parameter-draft.ts';

/** A template's content while it is edited: named values as rows, numbers as they are typed. */
export interface SpecDraft {
  repository: string;
  startupScript: string;
  environment: { name: string; value: string }[];
  apps: { name: string; port: string }[];
  driver: TemplateSpec['driver'];
  parameters: ParameterDraft[];
}

export function draftOf(spec: TemplateSpec): SpecDraft {
  return {
    repository: spec.repository,
    startupScript: spec.startupScript,
    environment: Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
    apps: spec.apps.map(({ name, port }) => ({ name, port: String(port) })),
    driver: spec.driver,
    parameters: spec.parameters.map(parameterDraftOf),
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
    apps: draft.apps.filter(({ name, port }) => name !== '' || port !== '').map(({ name, port }) => ({ name, port: Number(port) })),
    driver: draft.driver,
    parameters: draft.parameters.map(parameterOf),
  };
}

export const EMPTY_DRAFT: SpecDraft = {
  repository: '',
  startupScript: '',
  environment: [],
  apps: [],
  driver: 'bubblewrap',
  parameters: [],
};
