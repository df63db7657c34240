import type { DryRun } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { usersById } from '../directory/users.ts';
import { record, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { providerResource } from '../providers/providers.ts';
import { connectionToChange } from './connections.ts';
import type { Connected } from './connections.store.ts';
import type { Proved, Taken } from './flows.ts';
import { arrivalOf } from './people.ts';
import { wanted } from './rights.ts';
import { begin, newBrowser, type Begun, type Finished } from './begin.ts';

const CLAIMS_SHOWN = 20_000;

/** Where to go to see what a sign-in would do; it works while it is switched off. @throws AppError `not-found`, `not-ready`, `unavailable` */
export async function beginTest(asking: UserContext, id: string, browser: string | undefined): Promise<Begun> {
  const ctx = await requireSession(asking, { action: 'idp.test', resource: providerResource({ id, name: 'an identity provider' }) });
  const row = await connectionToChange(ctx, id, 'idp.test');
  if (row.oidc === null) throw new AppError('not-ready', 'Set the sign-in up first');
  const begun = browser ?? newBrowser(ctx);
  const asked = { purpose: 'test', returnTo: '/', browser: begun, sessionId: ctx.actor.sessionId } as const;
  return { url: await begin(ctx, ctx.db, row as Connected, asked), browser: begun };
}

/** What the token says, and what a sign-in with it would do. Nobody is signed in, and nothing changes. */
export async function finishTest(ctx: UserContext, { db, connection }: Taken, proved: Proved): Promise<Finished> {
  await connectionToChange(ctx, connection.id, 'idp.test');
  const { told, admission } = await arrivalOf(db, connection, proved);
  const userId = 'userId' in admission ? admission.userId : null;
  const [person] = userId === null ? [] : await usersById(ctx, [userId]);
  const given = wanted(told, connection);
  const leftToScim = connection.keeps_groups === 1 && connection.oidc.claims.groups !== null;
  const scim = leftToScim ? ['SCIM keeps the groups of this provider: what the token says of groups does not count.'] : [];
  const report: DryRun = {
    ...{ outcome: admission.outcome, why: admission.why, name: told.name, email: told.email, ...given },
    person: person ? { id: person.id, name: person.name } : null,
    warnings: [...told.warnings, ...scim],
    claims: JSON.stringify(proved.claims, null, 2).slice(0, CLAIMS_SHOWN),
  };
  await record(ctx, {
    ...{ action: 'idp.test', resource: providerResource(connection), status: 200 },
    details: { outcome: admission.outcome, subject: proved.subject, why: admission.why },
  });
  return { answer: { purpose: 'test', provider: connection.id, report }, credential: null };
}
