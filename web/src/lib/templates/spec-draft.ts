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
  branch: string;
  stopScript: string;
  runnerLabels: { name: string; value: string }[];
}

export function draftOf(spec: TemplateSpec): SpecDraft {
  return {
    repository: spec.repository,
    startupScript: spec.startupScript,
    environment: Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
    apps: spec.apps.map(({ name, port }) => ({ name, port: String(port) })),
    driver: spec.driver,
    parameters: spec.parameters.map(parameterDraftOf),
    branch: spec.branch,
    stopScript: spec.stopScript,
    runnerLabels: Object.entries(spec.runnerLabels).map(([name, value]) => ({ name, value })),
  };
}

/** What is sent. Rows that were left empty say nothing; a port that is no number is left to the schema. */
export function specOf(draft: SpecDraft): TemplateSpec {
  return {
    repository: draft.repository,
    startupScript: draft.startupScript,
    environment: namedOf(draft.environment, (value) => value),
    apps: draft.apps.filter(({ name, port }) => name !== '' || port !== '').map(({ name, port }) => ({ name, port: Number(port) })),
    driver: draft.driver,
    parameters: draft.parameters.map(parameterOf),
    branch: draft.branch.trim(),
    stopScript: draft.stopScript,
    runnerLabels: namedOf(draft.runnerLabels),
  };
}

const namedOf = (rows: { name: string; value: string }[], say = (value: string) => value.trim()): Record<string, string> =>
  Object.fromEntries(rows.filter(({ name, value }) => name !== '' || value !== '').map(({ name, value }) => [name.trim(), say(value)]));

export const EMPTY_DRAFT: SpecDraft = {
  ...{ repository: '', startupScript: '', environment: [], apps: [], driver: 'bubblewrap', parameters: [] },
  ...{ branch: '', stopScript: '', runnerLabels: [] },
};
