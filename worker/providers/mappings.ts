import type { z } from 'zod';
import { BUILT_IN_ROLE_NAMES, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { givenDetails } from '@gatehouse/core/access/power.ts';
import {
  MAPPINGS_LIMIT,
  type directoryGroupList,
  type GroupMapping,
  type groupMappingList,
  type mappingCreate,
  type Made,
  type MappingPreview,
} from '@gatehouse/core/api/group-mappings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { rolesThroughGroup, rolesThroughGroupFrom } from '../directory/kept-groups.ts';
import { onLastOwner, ownersRemain } from '../directory/owners.ts';
import { powersOfRoles, requireGrantable, roleName, type NamedRole } from '../directory/role-grants.ts';
import { commit, eventOf, onGuard, onUnique, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { carryOut, endMade, pairsOf, planMade, untilPlanned, type MadePlan } from './made-groups.ts';
import { releaseMade } from './made-groups.store.ts';
import { give, isAbout, takeBack, type MappingRow } from './mapped.ts';
import * as store from './mappings.store.ts';
import { noProvider, providerResource, providerToChange } from './providers.ts';
import { findProvider } from './providers.store.ts';

type Target = Pick<MappingRow, 'target_type' | 'target'>;
type MappingInput = z.infer<typeof mappingCreate>;

const invalid = (path: string, message: string) => new AppError('invalid', 'Some of the input is wrong', { errors: [{ path, message }] });
const nameOf = (type: Target['target_type'], id: string, name: string | null) =>
  type === 'role' ? roleName({ role: id, name }) : (name ?? id);
const rowOf = (id: string, { kind, pattern, target }: MappingInput): MappingRow => ({
  ...{ id, kind, pattern, target_type: target.type, target: target.type === 'made-group' ? target.name : target.id },
  when_gone: target.type === 'made-group' ? target.whenGone : null,
});

/** The state of a provider's mappings, for somebody who may see it. @throws AppError `not-found` */
export async function readable(ctx: UserContext, providerId: string, route: string): Promise<store.MappedState> {
  await require(ctx, 'idp:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: route } });
  const now = ctx.now().toISOString();
  const [provider, state] = await Promise.all([findProvider(ctx.db, providerId, now), store.findMapped(ctx.db, providerId, now)]);
  if (!provider) throw noProvider();
  return state;
}

export async function listDirectoryGroups(ctx: UserContext, providerId: string): Promise<z.infer<typeof directoryGroupList>> {
  const { groups, given } = await readable(ctx, providerId, 'GET /identity-providers/{id}/groups');
  const items = groups.map((group) => ({
    ...{ id: group.id, name: group.name, displayName: group.display_name, externalId: group.external_id, people: group.people },
    gives: given
      .filter(({ group_id }) => group_id === group.id)
      .map(({ type, target, name, given_by }) => ({
        ...{ type, name: nameOf(type, target, name), byMapping: given_by?.startsWith('gmp_') === true },
      })),
  }));
  return { items };
}

export async function listMappings(ctx: UserContext, providerId: string): Promise<z.infer<typeof groupMappingList>> {
  const { mappings, groups } = await readable(ctx, providerId, 'GET /identity-providers/{id}/mappings');
  const names = await store.findMappingNames(ctx.db, providerId);
  return { items: mappings.flatMap((mapping) => present(mapping, groups, names.get(mapping.id))) };
}

type Names = Awaited<ReturnType<typeof store.findMappingNames>>;

function present(mapping: MappingRow, groups: readonly store.DirectoryGroupRow[], named: ReturnType<Names['get']>): GroupMapping[] {
  if (!named) return [];
  const { id, kind, pattern, target_type: type, target, when_gone: whenGone } = mapping;
  const about = groups.filter((group) => isAbout(mapping, group)).map(({ id: groupId, name }) => ({ id: groupId, name }));
  const shown = { type, id: target, name: nameOf(type, target, named.target_name), whenGone };
  return [{ id, kind, pattern, target: shown, groups: about, createdAt: named.created_at, createdBy: named.created_by }];
}

/** What a mapping would do, before it is made. @throws AppError `invalid` for a target that is not there */
export async function previewMapping(ctx: UserContext, providerId: string, input: MappingInput): Promise<MappingPreview> {
  const { groups, given } = await readable(ctx, providerId, 'POST /identity-providers/{id}/mappings/preview');
  const mapping = rowOf('', input);
  await targetOf(ctx, mapping);
  const about = groups.filter((group) => isAbout(mapping, group));
  const has = hasIt(given, mapping);
  const plans = new Map((await planMade(ctx, pairsOf([mapping], groups))).map((plan) => [plan.group.id, plan]));
  const getting = about.filter(({ id }) => !has.has(id) && plans.get(id)?.id !== null).map(({ id }) => id);
  const people = await store.countPeople(ctx.db, getting, ctx.now().toISOString());
  const shown = about.map(({ id, name, people: inIt }) => ({ id, name, people: inIt, has: has.has(id), makes: madeOf(plans.get(id)) }));
  return { groups: shown, people };
}

const madeOf = (plan: MadePlan | undefined): Made | null => (plan ? { name: plan.name, outcome: plan.outcome, by: plan.by } : null);

/** Groups that have what a mapping gives, by whomever; a group that it makes is given by the mapping alone. */
export const hasIt = (given: readonly store.GivenRow[], { id, target_type, target }: Target & { id: string }): Set<string> => {
  const fits = (each: store.GivenRow) =>
    target_type === 'made-group' ? each.type === 'group' && each.given_by === id : each.type === target_type && each.target === target;
  return new Set(given.filter(fits).map(({ group_id }) => group_id));
};

/** @throws AppError `invalid` */
async function targetOf(
  ctx: UserContext,
  { target_type: type, target: id }: Target,
): Promise<{ name: string; permissions: string | null }> {
  if (type === 'made-group') return { name: id, permissions: null };
  if (type === 'role' && id in BUILT_IN_ROLE_NAMES) return { name: BUILT_IN_ROLE_NAMES[id as BuiltInRole], permissions: null };
  const found = await store.findTarget(ctx.db, type, id);
  const missing = { role: 'is no role of this organisation', group: 'is no group of this organisation', template: 'is no template' };
  if (!found) throw invalid('target.id', missing[type]);
  return found;
}

/** The roles that somebody gets by what is mapped to. Nobody maps to more than they may give. */
async function rolesBy(
  ctx: UserContext,
  { target_type: type, target: id }: Target,
  found: { name: string; permissions: string | null },
): Promise<NamedRole[]> {
  switch (type) {
    case 'role':
      return [{ role: id, name: found.permissions === null ? null : found.name, permissions: found.permissions }];
    case 'group':
      return rolesOfGroup(ctx, id);
    case 'template':
    case 'made-group':
      // A group that is made gives nothing yet.
      return [];
  }
}

export async function rolesOfGroup(ctx: UserContext, groupId: string): Promise<NamedRole[]> {
  const [rows] = await ctx.db.batch([rolesThroughGroup(ctx.db, groupId, ctx.now().toISOString())]);
  return rolesThroughGroupFrom(rows?.rows);
}

/**
 * Maps groups by their names, those that are there and those to come.
 * @throws AppError `permission-denied` for what the caller may not give themselves; `invalid`, `conflict`, `quota-exceeded`
 */
export async function createMapping(ctx: UserContext, providerId: string, input: MappingInput): Promise<GroupMapping> {
  const provider = await providerToChange(ctx, providerId, 'idp.mapping.add');
  const facts = { action: 'idp.mapping.add', resource: providerResource(provider) } as const;
  const { target } = input;
  if (target.type === 'template') await require(ctx, 'template:admin', facts);
  if (target.type === 'group' || target.type === 'made-group') await require(ctx, 'group:update', facts);
  const mapping = rowOf(ctx.newId('groupMapping'), input);
  const found = await targetOf(ctx, mapping);
  const roles = await rolesBy(ctx, mapping, found);
  await requireGrantable(ctx, facts, roles);
  const now = ctx.now().toISOString();
  const { groups } = await store.findMapped(ctx.db, providerId, now);
  const about = groups.filter((group) => isAbout(mapping, group));
  const event = eventOf(ctx, {
    ...{ ...facts, status: 201, diff: [{ path: wordsOf(input), old: null, new: `${target.type} ${found.name}`, secret: false }] },
    details: {
      ...{ mapping: mapping.id, groups: about.length, names: namesOf(about) },
      ...givenDetails({ power: powersOfRoles(roles), self: false }),
    },
  });
  const guard = store.insertMapping(ctx.db, { ...mapping, providerId, by: ctx.actor.id, now });
  const full = () => new AppError('quota-exceeded', `A provider has at most ${MAPPINGS_LIMIT} mappings`);
  const made = untilPlanned(async () => {
    const own = carryOut(ctx, provider.name, await planMade(ctx, pairsOf([mapping], groups)));
    const changes = [...give(ctx.db, mapping, about, { newId: ctx.newId, now }), ...own.changes];
    return commit(ctx, { guard, changes, events: [event, ...own.events] });
  });
  await onUnique(onGuard(made, full), 'group_mappings.tenant_id, group_mappings.provider_id', () => {
    return new AppError('conflict', 'There is such a mapping already.', {
      errors: [{ path: 'pattern', message: 'is mapped to that already' }],
    });
  });
  const named = { id: mapping.id, target_name: found.name, created_at: now, created_by: ctx.actor.name };
  const [shown] = present(mapping, groups, named);
  if (!shown) throw new AppError('internal', 'A mapping that was made can’t be shown');
  return shown;
}

export const wordsOf = ({ kind, pattern }: Pick<MappingRow, 'kind' | 'pattern'>) => `groups by ${kind} ${pattern}`;
const namesOf = (groups: readonly store.DirectoryGroupRow[]) =>
  groups
    .slice(0, 20)
    .map(({ display_name }) => display_name)
    .join(', ');

/**
 * Takes back all that a mapping gave, but for what another gives as well. Groups that it made are as any other then, or go, as it says.
 * @throws AppError `not-found`; `conflict` for the last owner
 */
export async function deleteMapping(ctx: UserContext, providerId: string, id: string): Promise<void> {
  const provider = await providerToChange(ctx, providerId, 'idp.mapping.remove');
  const now = ctx.now().toISOString();
  const { mappings, groups } = await store.findMapped(ctx.db, providerId, now);
  const mapping = mappings.find((each) => each.id === id);
  const noMapping = () => new AppError('not-found', 'There is no such mapping');
  if (!mapping) throw noMapping();
  const found = await targetOf(ctx, mapping).catch(() => ({ name: mapping.target, permissions: null }));
  const facts = { action: 'idp.mapping.remove', resource: providerResource(provider) } as const;
  await requireGrantable(ctx, facts, await rolesBy(ctx, mapping, found));
  const event = eventOf(ctx, {
    ...{ ...facts, status: 204, diff: [{ path: wordsOf(mapping), old: `${mapping.target_type} ${found.name}`, new: null, secret: false }] },
    details: { mapping: id },
  });
  const taken = [
    ...takeBack(ctx.db, [id], null),
    ...regiven(ctx, mappings, groups, ({ id: other, target_type, target: same }) => {
      return other !== id && target_type === mapping.target_type && same === mapping.target;
    }),
  ];
  const lessens = { users: 'everybody' as const, cause: `What groups of ${provider.name} give was changed` };
  const removed = untilPlanned(async () => {
    const ended = await endMade(ctx, [mapping], null);
    const changes = [...taken, ...ended.changes, releaseMade(ctx.db, [id]), ...ownersRemain(ctx.db)];
    const guard = store.deleteMapping(ctx.db, providerId, id);
    return commit(ctx, { guard, changes, events: [event, ...ended.events], lessens });
  });
  await onLastOwner(onGuard(removed, noMapping));
}

/** What these mappings give, once more. */
export const regiven = (
  ctx: UserContext,
  mappings: readonly MappingRow[],
  groups: readonly store.DirectoryGroupRow[],
  which: (mapping: MappingRow) => boolean,
) =>
  mappings.filter(which).flatMap((mapping) =>
    give(
      ctx.db,
      mapping,
      groups.filter((group) => isAbout(mapping, group)),
      { newId: ctx.newId, now: ctx.now().toISOString() },
    ),
  );
