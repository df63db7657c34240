import type { providerRemoval, ProviderRemoval } from '@gatehouse/core/api/identity-providers.ts';
import type { z } from 'zod';
import { diff } from '@gatehouse/core/audit/diff.ts';
import type { AuditChange, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { forgottenAll, lossesOfAll, rolesOfAll } from '../directory/kept-groups.ts';
import { onLastOwner, ownersRemain } from '../directory/owners.ts';
import { requireGrantable, roleName } from '../directory/role-grants.ts';
import { commit, eventOf, onGuard, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { endMade, untilPlanned } from './made-groups.ts';
import { releaseMade } from './made-groups.store.ts';
import { mappingsFrom, mappingsQuery, takeBack, type MappingRow } from './mapped.ts';
import { noProvider, providerResource, providerToChange } from './providers.ts';
import { findProvider, type ProviderRow } from './providers.store.ts';
import * as store from './removal.store.ts';

/** A provider that is removed: what it gave ends with it, or stays as if it had been given by hand. People stay, whoever kept them. */

const SHOWN_NAMES = 5;
const SHOWN_GROUPS = 100;
/** Roles that one event names. */
const TOGETHER = 500;
const ONLY_WAY = 'Single sign-on is required, and no other provider is switched on: switch another on, or no longer require it, first';

const titleOf = ({ role, title }: store.Hanging['roles'][number]) => roleName({ role, name: title });

/** The roles that its claims gave, each with whom it was given to. */
function rolesGiven({ roles }: store.Hanging): Map<string, store.Hanging['roles']> {
  const all = new Map<string, store.Hanging['roles']>();
  for (const each of roles) all.set(each.role, [...(all.get(each.role) ?? []), each]);
  return all;
}

/** Who would lose what. @throws AppError `not-found` */
export async function previewRemoval(ctx: UserContext, id: string): Promise<ProviderRemoval> {
  const resource = { type: 'policy', id: null, name: 'GET /identity-providers/{id}/removal' } as const;
  await require(ctx, 'idp:read', { action: 'request.denied', resource });
  const now = ctx.now().toISOString();
  if (!(await findProvider(ctx.db, id, now))) throw noProvider();
  const hanging = await store.findHanging(ctx.db, id);
  const mappings = await mappingsOf(ctx, id);
  const shown = hanging.groups.slice(0, SHOWN_GROUPS);
  const ids = shown.map((group) => group.id);
  const [losing, lost] = await Promise.all([store.countLosing(ctx.db, id), lossesOfAll(ctx.db, ids, now)]);
  return {
    losing,
    roles: [...rolesGiven(hanging).values()].flatMap((given) => {
      const [first] = given;
      return first ? [{ name: titleOf(first), people: given.length, names: given.slice(0, SHOWN_NAMES).map(({ name }) => name) }] : [];
    }),
    groups: shown.map((group) => ({
      ...{ id: group.id, name: group.name, people: group.people },
      gives: (lost.get(group.id) ?? []).map(({ path }) => path),
    })),
    moreGroups: hanging.groups.length - shown.length,
    ...{ mappings: mappings.length, accounts: hanging.accounts, people: hanging.people, domains: hanging.domains },
    obstacle: hanging.required === 1 && hanging.others === 0 ? ONLY_WAY : null,
  };
}

async function mappingsOf({ db }: UserContext, id: string): Promise<MappingRow[]> {
  const [found] = await db.batch([mappingsQuery(db, id)]);
  return mappingsFrom(found?.rows);
}

/**
 * Removes a provider, and with it what it gave, or leaves that as if the caller had given it.
 * @throws AppError `not-found`; `permission-denied` for roles that the caller could not give; `conflict` for the last owner, and for
 * the only way in
 */
export async function deleteProvider(ctx: UserContext, id: string, { gives }: z.infer<typeof providerRemoval>): Promise<void> {
  const provider = await providerToChange(ctx, id, 'idp.delete');
  const removed = untilPlanned(async () => {
    const hanging = await store.findHanging(ctx.db, id);
    const mappings = await mappingsOf(ctx, id);
    const rest = gives === 'end' ? await ending(ctx, provider, hanging, mappings) : await keeping(ctx, provider, hanging, mappings);
    const groupIds = hanging.groups.map((group) => group.id);
    return commit(ctx, {
      guard: store.deleteProvider(ctx.db, id),
      changes: [
        store.noOtherGroups(ctx.db, id, groupIds),
        ...rest.changes,
        releaseMade(
          ctx.db,
          mappings.map((mapping) => mapping.id),
        ),
        ...store.forgetProvider(ctx.db, id),
        ...ownersRemain(ctx.db),
      ],
      events: [removalEvent(ctx, provider, hanging, gives), ...rest.events],
      ...(gives === 'end' ? { lessens: { users: 'everybody' as const, cause: `${provider.name} was removed` } } : {}),
    });
  });
  await onLastOwner(onGuard(removed, () => new AppError('conflict', ONLY_WAY)));
}

const removalEvent = (ctx: UserContext, provider: ProviderRow, { roles, groups, people }: store.Hanging, gives: 'end' | 'keep') =>
  eventOf(ctx, {
    ...{ action: 'idp.delete', resource: providerResource(provider), status: 204 },
    diff: diff({ name: 'tracked', preset: 'tracked' }, { name: provider.name, preset: provider.preset }, null),
    details: { gave: gives === 'end' ? 'ends' : 'stays', roles: roles.length, groups: groups.length, people },
  });

interface Consequences {
  changes: Statement[];
  events: DraftEvent[];
}

async function ending(ctx: UserContext, provider: ProviderRow, hanging: store.Hanging, mappings: MappingRow[]): Promise<Consequences> {
  const ids = hanging.groups.map(({ id }) => id);
  const [lost, ended] = [await lossesOfAll(ctx.db, ids, ctx.now().toISOString()), await endMade(ctx, mappings, null)];
  const deleted = hanging.groups.map(({ id, name, people }) =>
    eventOf(ctx, {
      ...{ action: 'group.delete', resource: { type: 'group', id, name }, status: 204 },
      diff: [{ path: 'name', old: name, new: null, secret: false }, ...(lost.get(id) ?? [])],
      details: { people, provider: provider.id },
    }),
  );
  const taken = takeBack(
    ctx.db,
    mappings.map(({ id }) => id),
    null,
  );
  return {
    changes: [store.endRoles(ctx.db, provider.id), ...taken, ...forgottenAll(ctx.db, ids), ...ended.changes],
    events: [...[...rolesGiven(hanging).values()].flatMap((given) => roleEvents(ctx, provider, given)), ...deleted, ...ended.events],
  };
}

/** Whom a role is taken from, in as many events as it needs to name each. */
function roleEvents(ctx: UserContext, provider: ProviderRow, given: store.Hanging['roles']): DraftEvent[] {
  const parts = [];
  for (let at = 0; at < given.length; at += TOGETHER) parts.push(given.slice(at, at + TOGETHER));
  return parts.flatMap((part) => {
    const [first] = part;
    if (!first) return [];
    const name = `${titleOf(first)} from ${part.length === 1 ? first.name : `${part.length} people`}`;
    return eventOf(ctx, {
      ...{ action: 'role.unassign', resource: { type: 'role', id: first.role, name }, status: 204, details: { provider: provider.id } },
      diff: part.map((each): AuditChange => ({ path: `user ${each.id}`, old: each.name, new: null, secret: false })),
    });
  });
}

async function keeping(ctx: UserContext, provider: ProviderRow, hanging: store.Hanging, mappings: MappingRow[]): Promise<Consequences> {
  const ids = hanging.groups.map(({ id }) => id);
  const direct = hanging.roles.map(({ role, title, permissions }) => ({ role, name: title, permissions }));
  const facts = { action: 'idp.delete', resource: providerResource(provider) } as const;
  await requireGrantable(ctx, facts, [...direct, ...(await rolesOfAll(ctx.db, ids, ctx.now().toISOString()))]);
  const givers = [provider.id, ...mappings.map(({ id }) => id)];
  return {
    changes: store.keepGiven(ctx.db, givers, ids, ctx.actor.id),
    events: hanging.groups.map(({ id, name, source }) =>
      eventOf(ctx, {
        ...{ action: 'group.update', resource: { type: 'group', id, name }, status: 200, details: { provider: provider.id } },
        diff: [{ path: 'source', old: source, new: 'local', secret: false }],
      }),
    ),
  };
}
