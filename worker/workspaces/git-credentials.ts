import type { z } from 'zod';
import { MAX_GIT_CREDENTIALS, type GitCredential, type gitCredentialAdd } from '@gatehouse/core/api/git-credentials.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import {
  deleteGitCredential,
  findGitCredentials,
  findRunningOf,
  secretAddress,
  storeGitCredential,
  type GitCredentialRow,
} from './git-credentials.store.ts';

/** One's own credentials need no permission, but a session: no token reads or changes them. */

const facts = <Action extends 'git_credential.read' | 'git_credential.add' | 'git_credential.remove'>(ctx: UserContext, action: Action) =>
  ({ action, resource: { type: 'user', id: ctx.actor.id, name: ctx.actor.name } }) as const;

export const presentGitCredential = (row: GitCredentialRow): GitCredential => ({
  ...{ id: row.id, host: row.host, username: row.username, createdAt: row.created_at },
});

export async function listGitCredentials(asking: UserContext): Promise<GitCredential[]> {
  const ctx = await requireSession(asking, facts(asking, 'git_credential.read'));
  return (await findGitCredentials(ctx.db, ctx.actor.id)).map(presentGitCredential);
}

/**
 * Keeps a credential sealed, in place of the one for the same host. Workspaces of the person that run get it at once.
 * @throws AppError `step-up-required`, `quota-exceeded`
 */
export async function addGitCredential(asking: UserContext, input: z.infer<typeof gitCredentialAdd>): Promise<GitCredential> {
  const add = facts(asking, 'git_credential.add');
  const ctx = await requireFresh(asking, add);
  const id = ctx.newId('gitCredential');
  const { host, username } = input;
  const made = { id, host, username, created_at: ctx.now().toISOString() };
  const secret = await ctx.secrets.seal(ctx.db, secretAddress(id), input.secret);
  const event = eventOf(ctx, { ...add, status: 201, details: { credential: id, host, username } });
  await onGuard(
    commit(ctx, { guard: storeGitCredential(ctx.db, ctx.actor.id, { ...made, secret }), events: [event] }),
    () => new AppError('quota-exceeded', `A person has credentials for at most ${MAX_GIT_CREDENTIALS} git hosts`),
  );
  ctx.defer(tellRunners(ctx));
  return presentGitCredential(made);
}

/** @throws AppError `not-found` */
export async function removeGitCredential(asking: UserContext, id: string): Promise<void> {
  const remove = facts(asking, 'git_credential.remove');
  const ctx = await requireSession(asking, remove);
  const known = (await findGitCredentials(ctx.db, ctx.actor.id)).find((row) => row.id === id);
  if (!known) throw gone();
  const event = eventOf(ctx, { ...remove, status: 204, details: { credential: id, host: known.host, username: known.username } });
  await onGuard(commit(ctx, { guard: deleteGitCredential(ctx.db, ctx.actor.id, id), events: [event] }), gone);
  ctx.defer(tellRunners(ctx));
}

const gone = () => new AppError('not-found', 'There is no such credential');

/** What runs gets what there is now, or has it taken away. */
async function tellRunners({ db, actor, workspaces }: Pick<UserContext, 'db' | 'actor' | 'workspaces'>): Promise<void> {
  const running = await findRunningOf(db, actor.id);
  await Promise.all(running.map(({ id, runner_id }) => workspaces.order(db.shard, runner_id, id)));
}
