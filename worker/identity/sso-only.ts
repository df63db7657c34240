import { AppError } from '@gatehouse/core/errors.ts';
import type { Person } from '../directory/people.ts';
import { record, type EventContext } from '../platform/commit.ts';

export const SSO_ONLY = 'Your organisation signs in through its identity provider. Choose it on the sign-in page.';

/**
 * Where the organisation requires single sign-on, only a few come in without: for the day on which the provider is down.
 * @throws AppError `sso-required`; the refusal is an event
 */
export async function requireOwnWay(ctx: EventContext, { user, comesIn }: Pick<Person, 'user' | 'comesIn'>, method: string): Promise<void> {
  if (comesIn !== 'sso') return;
  const reason = 'The organisation requires single sign-on';
  const resource = { type: 'user' as const, id: user.id, name: user.name };
  await record(ctx, { action: 'user.sign_in', resource, outcome: 'denied', status: 403, reason, details: { method } });
  throw new AppError('sso-required', SSO_ONLY);
}
