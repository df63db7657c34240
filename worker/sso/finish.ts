import type { z } from 'zod';
import type { ssoFinish } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';
import { countNetwork, type Finished } from './begin.ts';
import { noteError } from './connections.store.ts';
import { faultOf } from './fetching.ts';
import { redeem, takeBack, type Proved, type Taken } from './flows.ts';
import { signIn } from './sign-in.ts';
import { finishStepUp } from './step-up.ts';
import { finishTest } from './test-sign-in.ts';

/**
 * Ends what a browser began: somebody signs in, confirms that it is them, or looks at what a sign-in would do.
 * @param whoAsks the session that asks, for what only somebody who is signed in begins
 * @throws AppError `sso-failed`, `sso-refused`, `rate-limited`, …
 */
export async function finish(
  services: Services,
  request: RequestFacts,
  input: z.infer<typeof ssoFinish>,
  browser: string | undefined,
  whoAsks: () => Promise<UserContext>,
): Promise<Finished> {
  await countNetwork(services, request);
  const taken = await takeBack(services, input.state, browser);
  const { flow } = taken;
  if (flow.purpose === 'sign-in') return signIn(services, request, taken, await proofOf(services, request, taken, input));
  const ctx = await whoAsks();
  if (ctx.db.tenantId !== taken.db.tenantId || ctx.actor.sessionId === null || ctx.actor.sessionId !== flow.session_id)
    throw new AppError('sso-failed', 'This was begun in another session. Begin again.');
  const proved = await proofOf(services, request, taken, input);
  return flow.purpose === 'step-up' ? finishStepUp(ctx, taken, proved) : finishTest(ctx, taken, proved);
}

/** @throws AppError `sso-failed`; what went wrong is an event, and stands at the provider */
async function proofOf(services: Services, request: RequestFacts, taken: Taken, input: z.infer<typeof ssoFinish>): Promise<Proved> {
  const { db, connection, flow } = taken;
  try {
    return await redeem(services, taken, input);
  } catch (error) {
    const reason = faultOf(error).slice(0, 400);
    const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: `Somebody of ${connection.name}` } };
    const facts = { outcome: 'failure', status: 401, reason, details: { method: 'sso', provider: connection.id } } as const;
    const resource = { type: 'user', id: null, name: 'somebody' } as const;
    const event = eventOf(ctx, { action: flow.purpose === 'step-up' ? 'user.step_up' : 'user.sign_in', resource, ...facts });
    // That somebody chose to stop is no fault of the connection.
    const stopped = input.error === 'access_denied';
    await commit(ctx, { changes: stopped ? [] : [noteError(db, connection.id, reason, services.now().toISOString())], events: [event] });
    const detail = stopped ? `You were not signed in at ${connection.name}.` : `What ${connection.name} answered was not good: ${reason}`;
    throw new AppError('sso-failed', detail);
  }
}
