import { existsSync, readFileSync } from 'node:fs';
import { idSchema } from '@gatehouse/core/ids.ts';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import { checkPlatformUrl } from '../platform-url.ts';
import { writeAtomically } from './atomic-file.ts';
import type { StateFolder } from './folder.ts';

const label = z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/, 'must have 1 to 63 letters, digits or . _ / -');
export const labels = z.record(label, label).refine((all) => Object.keys(all).length <= 30, 'must be at most 30');

export const runnerConfig = z.object({
  url: z.string().transform((value, context) => {
    try {
      return checkPlatformUrl(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'must be an address' });
      return z.NEVER;
    }
  }),
  runnerId: idSchema('runner'),
  token: z.string().min(1, 'must not be empty'),
  issuer: z.string().min(1, 'must not be empty'),
  keys: z.array(z.record(z.string(), z.unknown())).min(1, 'must hold a key'),
  tenant: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
  name: z.string(),
  labels: labels.default({}),
});
export type RunnerConfig = z.infer<typeof runnerConfig>;

/** "field: what is wrong" of each fault. Values are left out, because one of them is the token. */
export const faultsOf = (error: z.ZodError): string =>
  error.issues.map((issue) => `${issue.path.join('.') || '(whole)'}: ${issue.message}`).join('; ');

export const isEnrolled = (folder: StateFolder): boolean => existsSync(folder.config);

export function saveConfig(folder: StateFolder, config: RunnerConfig): void {
  writeAtomically(folder.config, `${JSON.stringify(config, null, 2)}\n`);
}

/** @throws Failure that names the file and each wrong field */
export function loadConfig(folder: StateFolder): RunnerConfig {
  if (!isEnrolled(folder)) {
    throw new Failure(`This machine is not enrolled: ${folder.config} is not there. Run "gatehouse-runner enroll" first.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(folder.config, 'utf8'));
  } catch {
    throw new Failure(`${folder.config} is not JSON. Restore it, or enrol again with --force.`);
  }
  const parsed = runnerConfig.safeParse(value);
  if (!parsed.success) throw new Failure(`${folder.config} is wrong: ${faultsOf(parsed.error)}`);
  return parsed.data;
}
