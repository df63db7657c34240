import type { RecordingKey } from '../protocol/recording.ts';
import type { RunnerOpens, RunnerPolicy } from '../protocol/runner-policy.ts';
import { limitsData } from './app-access.ts';
import { normalRepository, type GitRules } from './egress.ts';
import { FIELDS, type MergedPolicy } from './policy.ts';
import type { Policy, PolicyField } from './policy-in-force.ts';

/** Fields that a runner enforces on its own, and is given signed. */
export const RUNNER_FIELDS = [
  'upload',
  'download',
  'clipboardOut',
  'clipboardIn',
  'recording',
  'egress',
  'egressHosts',
  'git',
] as const satisfies readonly PolicyField[];
export type RunnerField = (typeof RUNNER_FIELDS)[number];
const isRunnerField = (field: PolicyField): field is RunnerField => RUNNER_FIELDS.some((each) => each === field);

/**
 * Those of its fields that bound something: a runner that can't enforce one of them refuses the workspace. Lists of hosts and
 * repositories go beside it (`networkOf`): they hang on egress.
 * @param key what recordings are sealed to; may be null where nothing is recorded
 */
export function runnerPolicyOf(merged: MergedPolicy, key: RecordingKey | null): RunnerPolicy {
  const { egress, recording } = merged;
  if (recording.value !== 'off' && key === null) throw new Error('Recording without a key');
  return {
    ...Object.fromEntries(sizesOf(merged).map((field) => [field, merged[field].value])),
    ...(egress.value === 'open' ? {} : { egress: egress.value }),
    ...(recording.value === 'off' || key === null ? {} : { recording: { mode: recording.value, key } }),
  };
}

/** Of what may pass at once, in and out; those that the policy bounds. */
const sizesOf = (merged: MergedPolicy) =>
  (['upload', 'download', 'clipboardOut', 'clipboardIn'] as const).filter((field) => merged[field].value !== null);

/** The fields that a runner must be able to enforce for this policy. */
export const runnerFieldsOf = (merged: MergedPolicy): RunnerField[] => [
  ...sizesOf(merged),
  ...(merged.egress.value === 'open' ? [] : (['egress'] as const)),
  ...(merged.recording.value === 'off' ? [] : (['recording'] as const)),
];

export interface Network<R> {
  hosts: string[];
  git: GitRules;
  resources: R[];
}

/** What a workspace may reach while egress is an allow-list. Where nobody has set repositories, the template's own may be fetched. */
export function networkOf<R>(
  { egressHosts, git }: MergedPolicy,
  { repository, network }: { repository: string; network: { resources: R[] } },
): Network<R> {
  const own = repository === '' ? null : normalRepository(repository);
  return {
    hosts: egressHosts.value,
    git: git.value ?? { fetch: own === null ? [] : [own], push: [] },
    resources: network.resources,
  };
}

/** The ways that the policy opens at a runner: null opens none. @param apps that the template names */
export const runnerOpensOf = (policy: Policy, apps: readonly { port: number }[]): RunnerOpens | null =>
  policy.ports === 'off' ? null : { ports: { only: limitsData(policy) ? apps.map(({ port }) => port) : null } };

/** What one confirmed runner reports; null: it has not said what it enforces */
export interface RunnerReport {
  name: string;
  enforces: readonly string[] | null;
}

export type EnforcementState = 'enforced' | 'not enforced' | 'unknown';

/** Whether a field is enforced, as the parts that enforce it report. What Worker, broker and pages enforce comes with this release. */
export function enforcementOf(field: PolicyField, runners: readonly RunnerReport[]): { state: EnforcementState; lacking: string[] } {
  if (!isRunnerField(field) || !FIELDS[field].enforcedBy.includes('runner')) return { state: 'enforced', lacking: [] };
  const lacking = runners.filter(({ enforces }) => enforces !== null && !enforces.includes(field)).map(({ name }) => name);
  if (lacking.length > 0) return { state: 'not enforced', lacking };
  const unknown = runners.length === 0 || runners.some(({ enforces }) => enforces === null);
  return { state: unknown ? 'unknown' : 'enforced', lacking: [] };
}
