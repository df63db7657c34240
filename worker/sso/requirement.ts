import type { z } from 'zod';
import type { Requirement, requirementSet } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { onLastOwner, wayInRemains } from '../directory/owners.ts';
import { usersById } from '../directory/users.ts';
import { commit, eventOf, onGuard, require, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { findRequirement, replacePeople, setRequired, withOwnFactors, type Stored } from './requirement.store.ts';

/** Whether everybody must come in through a provider, and who need not, for the day on which the provider is down. */
export async function readRequirement(ctx: UserContext): Promise<Requirement> {
  const name = 'GET /identity-providers/requirement';
  await require(ctx, 'idp:read', { action: 'request.denied', resource: { type: 'policy', id: null, name } });
  return present(ctx, await findRequirement(ctx.db));
}

async function present(ctx: UserContext, { required, people: ids }: Pick<Stored, 'required' | 'people'>): Promise<Requirement> {
  const [users, factors] = await Promise.all([usersById(ctx, ids), withOwnFactors(ctx.db, ids)]);
  const people = users
    .filter(({ state }) => state === 'active')
    .map(({ id, name, email, roles }) => ({ id, name, email, owner: roles.includes('owner'), secondFactor: factors.has(id) }));
  return { required, people };
}

/**
 * Requires single sign-on, or no more. It keeps at least one active owner with a second factor who comes in without: a provider that is
 * down, or set up wrongly, locks nobody out for good. Sessions that stand go on.
 * @throws AppError `permission-denied`, `step-up-required`, `not-ready`, `invalid`, `conflict`
 */
export async function changeRequirement(asking: UserContext, input: z.infer<typeof requirementSet>): Promise<Requirement> {
  const facts = { action: 'idp.require', resource: { type: 'idp', id: null, name: 'single sign-on' } } as const;
  await require(await requireSession(asking, facts), 'idp:manage', facts);
  const ctx = await requireFresh(asking, facts);
  const before = await findRequirement(ctx.db);
  const next = await present(ctx, { required: input.required, people: input.people });
  const missing = input.people.find((id) => !next.people.some((each) => each.id === id));
  if (missing !== undefined) throw wrong('names somebody who is not an active person of the organisation');
  if (input.required && before.providers === 0) throw new AppError('not-ready', 'Switch the sign-in through a provider on first');
  if (input.required && !next.people.some(({ owner, secondFactor }) => owner && secondFactor))
    throw wrong('must have an active owner with a second factor of their own');
  const ids = input.people.toSorted();
  const event = eventOf(ctx, {
    ...{ ...facts, status: 200 },
    diff: [
      ...(before.required === input.required ? [] : [{ path: 'required', old: before.required, new: input.required, secret: false }]),
      ...(before.people.join() === ids.join() ? [] : [{ path: 'people', old: before.people, new: ids, secret: false }]),
    ],
  });
  const change = {
    guard: setRequired(ctx.db, before.required, input.required),
    changes: [...replacePeople(ctx.db, ids), wayInRemains(ctx.db, null)],
    events: [event],
  };
  await onLastOwner(
    onGuard(commit(ctx, change), () => new AppError('conflict', 'Somebody else changed this in the meantime. Look again.')),
  );
  return next;
}

const wrong = (message: string) => new AppError('invalid', 'Some of the input is wrong', { errors: [{ path: 'people', message }] });
