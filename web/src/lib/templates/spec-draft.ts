import type { TemplateApp } from '@gatehouse/core/api/template-apps.ts';
import { type TemplateSchedule, type Weekday } from '@gatehouse/core/api/template-schedule.ts';
import { templateLimits, USUAL_LIMITS, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { parameterDraftOf, parameterOf, type ParameterDraft } from './parameter-draft.ts';

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
  limits: Record<keyof TemplateLimits, string>;
  rootfs: { source: string; digest: string };
  image: string;
  /** TCP resources */
  resources: { name: string; host: string; port: string }[];
  parameters: ParameterDraft[];
  branch: string;
  stopScript: string;
  runnerLabels: { name: string; value: string }[];
  /** no stop: no schedule */
  schedule: { timeZone: string; stops: { days: Weekday[]; at: string }[]; postpone: string };
}

const typed = (value: number | null) => (value === null ? '' : String(value));
const limitsDraft = ({ cpus, memoryMb, processes, diskMb }: TemplateLimits): SpecDraft['limits'] => ({
  cpus: typed(cpus),
  memoryMb: typed(memoryMb),
  processes: typed(processes),
  diskMb: typed(diskMb),
});
const UNBOUNDED = templateLimits.parse({});
/** What is no number is left to the schema. */
const amount = <T>(text: string, empty: T) => (text.trim() === '' ? empty : Number(text));

const USUAL_POSTPONE = '3';
const scheduleDraft = (schedule: TemplateSchedule | null): SpecDraft['schedule'] => ({
  timeZone: schedule?.timeZone ?? '',
  stops: schedule?.stops.map(({ days, at }) => ({ days: [...days], at })) ?? [],
  postpone: schedule === null ? USUAL_POSTPONE : String(schedule.postpone),
});
export const scheduleOf = ({ timeZone, stops, postpone }: SpecDraft['schedule']): TemplateSchedule | null =>
  stops.length === 0
    ? null
    : { timeZone: timeZone.trim(), stops: stops.map(({ days, at }) => ({ days: [...days], at })), postpone: amount(postpone, 0) };

export function draftOf(spec: TemplateSpec): SpecDraft {
  return {
    repository: spec.repository,
    startupScript: spec.startupScript,
    environment: Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
    apps: spec.apps.map((app) => ({ ...app, port: String(app.port) })),
    driver: spec.driver,
    limits: limitsDraft(spec.limits),
    rootfs: spec.rootfs ?? { source: '', digest: '' },
    image: spec.image ?? '',
    resources: spec.network.resources.map(({ name, host, port }) => ({ name, host, port: String(port) })),
    parameters: spec.parameters.map(parameterDraftOf),
    branch: spec.branch,
    stopScript: spec.stopScript,
    runnerLabels: Object.entries(spec.runnerLabels).map(([name, value]) => ({ name, value })),
    schedule: scheduleDraft(spec.schedule),
  };
}

/** What is sent. Rows that were left empty say nothing; a port that is no number is left to the schema. */
export function specOf(draft: SpecDraft): TemplateSpec {
  const isContainer = draft.driver === 'container';
  return {
    repository: draft.repository,
    startupScript: draft.startupScript,
    environment: namedOf(draft.environment, (value) => value),
    apps: draft.apps.filter(({ name, port }) => name !== '' || port !== '').map((app) => ({ ...app, port: Number(app.port) })),
    driver: draft.driver,
    limits: {
      cpus: amount(draft.limits.cpus, null),
      memoryMb: amount(draft.limits.memoryMb, null),
      processes: amount(draft.limits.processes, UNBOUNDED.processes),
      diskMb: amount(draft.limits.diskMb, null),
    },
    // What belongs to another driver was typed before that one was chosen.
    rootfs: isContainer || (draft.rootfs.source.trim() === '' && draft.rootfs.digest.trim() === '') ? null : { ...draft.rootfs },
    image: isContainer && draft.image.trim() !== '' ? draft.image.trim() : null,
    network: {
      resources: draft.resources
        .filter(({ name, host, port }) => name !== '' || host !== '' || port !== '')
        .map(({ name, host, port }) => ({ name: name.trim(), host: host.trim(), port: Number(port) })),
    },
    parameters: draft.parameters.map(parameterOf),
    branch: draft.branch.trim(),
    stopScript: draft.stopScript,
    runnerLabels: namedOf(draft.runnerLabels),
    schedule: scheduleOf(draft.schedule),
  };
}

const namedOf = (rows: { name: string; value: string }[], say = (value: string) => value.trim()): Record<string, string> =>
  Object.fromEntries(rows.filter(({ name, value }) => name !== '' || value !== '').map(({ name, value }) => [name.trim(), say(value)]));

export const EMPTY_DRAFT: SpecDraft = {
  ...{ repository: '', startupScript: '', environment: [], apps: [], driver: 'bubblewrap', parameters: [] },
  ...{ branch: '', stopScript: '', runnerLabels: [] },
  limits: limitsDraft(USUAL_LIMITS),
  rootfs: { source: '', digest: '' },
  image: '',
  resources: [],
  schedule: scheduleDraft(null),
};
