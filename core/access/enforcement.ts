import type { RunnerOpens } from '../protocol/runner-policy.ts';
import { limitsData } from './app-access.ts';
import { FIELDS, type MergedPolicy, type Policy, type PolicyField } from './policy.ts';

/** Fields that a runner enforces on its own, and is given signed. */
export const RUNNER_FIELDS = ['upload', 'download'] as const satisfies readonly PolicyField[];
export type RunnerField = (typeof RUNNER_FIELDS)[number];
const isRunnerField = (field: PolicyField): field is RunnerField => RUNNER_FIELDS.some((each) => each === field);

/** Those of its fields that bound something: a runner that can't enforce one of them refuses the workspace. */
export function runnerPolicyOf(merged: MergedPolicy): Partial<Record<RunnerField, number>> {
  const set = RUNNER_FIELDS.flatMap((field) => {
    const { value } = merged[field];
    return value === null ? [] : [[field, value] as const];
  });
  return Object.fromEntries(set);
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
