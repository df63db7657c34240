import type { z } from 'zod';
import type { ssoConfirm } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { confirm } from '../identity/step-up.ts';
import { record, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { findConnection, type Connected } from './connections.store.ts';
import type { Proved, Taken } from './flows.ts';
import { CLOCK_SECONDS } from './metadata.ts';
import { begin, newBrowser, type Begun, type Finished } from './begin.ts';
import { holdsIdentity, sessionProvider } from './sessions.store.ts';

const facts = ({ actor }: UserContext) => ({ action: 'user.step_up', resource: { type: 'user', id: actor.id, name: actor.name } }) as const;

/** Where somebody confirms that it is them who came in through a provider. @throws AppError `not-ready`, `unavailable` */
export async function beginStepUp(
  asking: UserContext,
  { returnTo }: z.infer<typeof ssoConfirm>,
  browser: string | undefined,
): Promise<Begun> {
  const ctx = await requireSession(asking, facts(asking));
  const provider = await sessionProvider(ctx.db, ctx.actor.sessionId);
  const connection = provider && (await findConnection(ctx.db, provider.id));
  if (!connection?.oidc) throw new AppError('not-ready', 'This session did not begin at an identity provider');
  const begun = browser ?? newBrowser(ctx);
  const asked = { purpose: 'step-up', returnTo, browser: begun, sessionId: ctx.actor.sessionId, hint: ctx.actor.email } as const;
  return { url: await begin(ctx, ctx.db, connection as Connected, asked), browser: begun };
}

/** The same account, proved anew since this was begun, and as strongly as was asked. @throws AppError `sso-failed` */
export async function finishStepUp(asking: UserContext, { db, connection, flow }: Taken, proved: Proved): Promise<Finished> {
  const ctx = await requireSession(asking, facts(asking));
  const fail = async (reason: string) => {
    await record(ctx, { ...facts(ctx), outcome: 'failure', status: 401, reason, details: { method: 'sso', provider: connection.id } });
    return new AppError('sso-failed', reason);
  };
  if (!(await holdsIdentity(db, proved, ctx.actor.id))) throw await fail('You confirmed with another account than you signed in with.');
  const since = Date.parse(flow.created_at) / 1000 - CLOCK_SECONDS;
  if (proved.authTime === null || proved.authTime < since) throw await fail(`${connection.name} did not ask you again who you are.`);
  const { stepUpAcr } = connection.oidc;
  if (stepUpAcr.length > 0 && (proved.acr === null || !stepUpAcr.includes(proved.acr)))
    throw await fail(`${connection.name} did not ask you as strongly as your organisation wants it.`);
  const { authenticatedAt, credential } = await confirm(ctx, 'sso');
  return { answer: { purpose: 'step-up', authenticatedAt, returnTo: flow.return_to }, credential };
}
