import type { RecordingKey } from '../protocol/recording.ts';
import type { RunnerPolicy } from '../protocol/runner-policy.ts';
import { FIELDS, type MergedPolicy, type PolicyField } from './policy.ts';

/** Fields that a runner enforces on its own, and is given signed. */
export const RUNNER_FIELDS = ['upload', 'download', 'recording'] as const satisfies readonly PolicyField[];
export type RunnerField = (typeof RUNNER_FIELDS)[number];
const isRunnerField = (field: PolicyField): field is RunnerField => RUNNER_FIELDS.some((each) => each === field);

/**
 * Those of its fields that bound something: a runner that can't enforce one of them refuses the workspace.
 * @param key what recordings are sealed to; may be null where nothing is recorded
 */
export function runnerPolicyOf(merged: MergedPolicy, key: RecordingKey | null): RunnerPolicy {
  const { upload, download, recording } = merged;
  if (recording.value !== 'off' && key === null) throw new Error('Recording without a key');
  return {
    ...(upload.value === null ? {} : { upload: upload.value }),
    ...(download.value === null ? {} : { download: download.value }),
    ...(recording.value === 'off' || key === null ? {} : { recording: { mode: recording.value, key } }),
  };
}

/** The fields that a runner must be able to enforce for this policy. */
export const runnerFieldsOf = (merged: MergedPolicy): RunnerField[] =>
  RUNNER_FIELDS.filter((field) => merged[field].value !== null && merged[field].value !== 'off');

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
