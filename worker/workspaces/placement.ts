import { runnerFieldsOf } from '@gatehouse/core/access/enforcement.ts';
import { FIELDS } from '@gatehouse/core/access/policy.ts';
import { neededFields } from '@gatehouse/core/api/template-needs.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { readPolicies } from '../directory/policies.ts';
import type { UserContext } from '../platform/context.ts';
import { findSecrets } from './template-secrets.store.ts';
import type { WorkspaceRow } from './workspaces.store.ts';
import { findFreeRunner, findRunner, type RunnerRow } from './runners.store.ts';

const listed = (words: readonly string[]) => words.join(' and ');

/**
 * The runner that a workspace with this content goes to.
 * @param wanted.runnerId only that one; null: the one with the fewest workspaces
 * @param wanted.besides what it must understand beside the content @param wanted.but not that one
 * @throws AppError `not-ready` with what no runner has
 */
export async function runnerFor(
  ctx: UserContext,
  wanted: { templateId: string; spec: TemplateSpec; runnerId: string | null; besides?: readonly string[]; but?: string },
): Promise<RunnerRow> {
  const { driver } = wanted.spec;
  const { merged } = await readPolicies(ctx, ctx.db, wanted.templateId);
  const enforces = runnerFieldsOf(merged);
  const labels = wanted.spec.runnerLabels;
  const understands = [...(await needsOf(ctx, wanted.templateId, wanted.spec)), ...(wanted.besides ?? [])];
  const but = wanted.but ?? null;
  const runner = await findFreeRunner(ctx.db, { driver, runnerId: wanted.runnerId, enforces, understands, labels, but });
  if (runner) return runner;
  const needs = [
    `offers ${driver}`,
    ...(enforces.length === 0 ? [] : [`enforces the policy on ${listed(enforces.map((field) => FIELDS[field].label.toLowerCase()))}`]),
    ...(understands.length === 0 ? [] : [`understands ${listed(understands)}`]),
    ...Object.entries(labels).map(([key, value]) => `has the label ${key}=${value}`),
  ];
  const where = wanted.runnerId ? ' under that id' : '';
  throw new AppError(
    'not-ready',
    `No confirmed runner that ${listed(needs)} is online${where}. Ask an administrator to look at the Runners page.`,
  );
}

/** What a runner must understand beside what every release does; that a template has secrets is no part of a version. */
export const needsOf = async (ctx: Pick<UserContext, 'db'>, templateId: string, spec: TemplateSpec): Promise<string[]> => [
  ...neededFields(spec),
  ...((await findSecrets(ctx.db, templateId)).length > 0 ? ['secrets'] : []),
];

/** What a runner lacks for a content, in words; nothing: it can take it. */
export function lacksOf(
  runner: Pick<RunnerRow, 'drivers' | 'understands' | 'labels'>,
  spec: TemplateSpec,
  needs: readonly string[],
): string[] {
  const labels = Object.entries(spec.runnerLabels).filter(([key, value]) => runner.labels[key] !== value);
  const missing = needs.filter((field) => !(runner.understands ?? []).includes(field));
  return [
    ...(runner.drivers.includes(spec.driver) ? [] : [`it does not offer ${spec.driver}`]),
    ...(missing.length === 0 ? [] : [`its release does not understand ${listed(missing)}`]),
    ...labels.map(([key, value]) => `it does not have the label ${key}=${value}`),
  ];
}

/**
 * A workspace stays on its runner, where its files are: that one must be able to take another version, too.
 * @throws AppError `not-ready` with what it lacks
 */
export async function requireFit(
  ctx: UserContext,
  workspace: Pick<WorkspaceRow, 'runner_id' | 'runner_name' | 'template_id'>,
  spec: TemplateSpec,
): Promise<void> {
  const runner = await findRunner(ctx.db, workspace.runner_id);
  const needs = await needsOf(ctx, workspace.template_id, spec);
  const lacks = runner ? lacksOf(runner, spec, needs) : ['it was removed'];
  if (lacks.length > 0) throw new AppError('not-ready', `Runner ${workspace.runner_name} can’t take this version: ${listed(lacks)}.`);
}
