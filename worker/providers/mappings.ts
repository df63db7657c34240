import type { z } from 'zod';
import { BUILT_IN_ROLE_NAMES, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { givenDetails } from '@gatehouse/core/access/power.ts';
import {
  MAPPINGS_LIMIT,
  type directoryGroupList,
  type Drift,
  type GroupMapping,
  type groupMappingList,
  type mappingCreate,
  type MappingPreview,
  type MappingTarget,
  type synced,
} from '@gatehouse/core/api/group-mappings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { rolesThroughGroup, rolesThroughGroupFrom } from '../directory/kept-groups.ts';
import { onLastOwner, ownersRemain } from '../directory/owners.ts';
import { powersOfRoles, requireGrantable, roleName, type NamedRole } from '../directory/role-grants.ts';
import { commit, eventOf, onGuard, onUnique, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { give, isAbout, takeBack, type MappingRow } from './mapped.ts';
import * as store from './mappings.store.ts';
import { noProvider, providerResource, providerToChange } from './providers.ts';
import { findProvider } from './providers.store.ts';

type MappingInput = z.infer<typeof mappingCreate>;

const invalid = (path: string, message: string) => new AppError('invalid', 'Some of the input is wrong', { errors: [{ path, message }] });
const nameOf = (type: MappingTarget['type'], id: string, name: string | null) =>
  type === 'role' ? roleName({ role: id, name }) : (name ?? id);
const rowOf = (id: string, { kind, pattern, target }: MappingInput): MappingRow => ({
  ...{ id, kind, pattern, target_type: target.type, target: target.id },
});

/** The state of a provider's mappings, for somebody who may see it. @throws AppError `not-found` */
async function readable(ctx: UserContext, providerId: string, route: string): Promise<store.MappedState> {
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
  const { id, kind, pattern, target_type: type, target } = mapping;
  const about = groups.filter((group) => isAbout(mapping, group)).map(({ id: groupId, name }) => ({ id: groupId, name }));
  const shown = { type, id: target, name: nameOf(type, target, named.target_name) };
  return [{ id, kind, pattern, target: shown, groups: about, createdAt: named.created_at, createdBy: named.created_by }];
}

/** What a mapping would do, before it is made. @throws AppError `invalid` for a target that is not there */
export async function previewMapping(ctx: UserContext, providerId: string, input: MappingInput): Promise<MappingPreview> {
  const { groups, given } = await readable(ctx, providerId, 'POST /identity-providers/{id}/mappings/preview');
  await targetOf(ctx, input.target);
  const about = groups.filter((group) => isAbout(rowOf('', input), group));
  const has = hasIt(given, input.target);
  const without = about.filter(({ id }) => !has.has(id)).map(({ id }) => id);
  const people = await store.countPeople(ctx.db, without, ctx.now().toISOString());
  return { groups: about.map((group) => ({ id: group.id, name: group.name, people: group.people, has: has.has(group.id) })), people };
}

const hasIt = (given: readonly store.GivenRow[], target: MappingTarget): Set<string> =>
  new Set(given.filter((each) => each.type === target.type && each.target === target.id).map(({ group_id }) => group_id));

/** @throws AppError `invalid` */
async function targetOf(ctx: UserContext, target: MappingTarget): Promise<{ name: string; permissions: string | null }> {
  if (target.type === 'role' && target.id in BUILT_IN_ROLE_NAMES)
    return { name: BUILT_IN_ROLE_NAMES[target.id as BuiltInRole], permissions: null };
  const found = await store.findTarget(ctx.db, target);
  const missing = { role: 'is no role of this organisation', group: 'is no group of this organisation', template: 'is no template' };
  if (!found) throw invalid('target.id', missing[target.type]);
  return found;
}

/** The roles that somebody gets by what is mapped to. Nobody maps to more than they may give. */
async function rolesBy(ctx: UserContext, target: MappingTarget, found: { name: string; permissions: string | null }): Promise<NamedRole[]> {
  switch (target.type) {
    case 'role':
      return [{ role: target.id, name: found.permissions === null ? null : found.name, permissions: found.permissions }];
    case 'group': {
      const [rows] = await ctx.db.batch([rolesThroughGroup(ctx.db, target.id, ctx.now().toISOString())]);
      return rolesThroughGroupFrom(rows?.rows);
    }
    case 'template':
      return [];
  }
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
  if (target.type === 'group') await require(ctx, 'group:update', facts);
  const found = await targetOf(ctx, target);
  const roles = await rolesBy(ctx, target, found);
  await requireGrantable(ctx, facts, roles);
  const now = ctx.now().toISOString();
  const { groups } = await store.findMapped(ctx.db, providerId, now);
  const mapping = rowOf(ctx.newId('groupMapping'), input);
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
  const made = commit(ctx, { guard, changes: give(ctx.db, mapping, about, { newId: ctx.newId, now }), events: [event] });
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

const wordsOf = ({ kind, pattern }: Pick<MappingRow, 'kind' | 'pattern'>) => `groups by ${kind} ${pattern}`;
const namesOf = (groups: readonly store.DirectoryGroupRow[]) =>
  groups
    .slice(0, 20)
    .map(({ display_name }) => display_name)
    .join(', ');

/** Takes back all that a mapping gave, but for what another gives as well. @throws AppError `not-found`; `conflict` for the last owner */
export async function deleteMapping(ctx: UserContext, providerId: string, id: string): Promise<void> {
  const provider = await providerToChange(ctx, providerId, 'idp.mapping.remove');
  const now = ctx.now().toISOString();
  const { mappings, groups } = await store.findMapped(ctx.db, providerId, now);
  const mapping = mappings.find((each) => each.id === id);
  const noMapping = () => new AppError('not-found', 'There is no such mapping');
  if (!mapping) throw noMapping();
  const target = { type: mapping.target_type, id: mapping.target } as MappingTarget;
  const found = await targetOf(ctx, target).catch(() => ({ name: target.id, permissions: null }));
  const facts = { action: 'idp.mapping.remove', resource: providerResource(provider) } as const;
  await requireGrantable(ctx, facts, await rolesBy(ctx, target, found));
  const event = eventOf(ctx, {
    ...{ ...facts, status: 204, diff: [{ path: wordsOf(mapping), old: `${target.type} ${found.name}`, new: null, secret: false }] },
    details: { mapping: id },
  });
  const changes = [
    ...takeBack(ctx.db, [id], null),
    ...regiven(ctx, mappings, groups, ({ id: other, target_type, target: same }) => {
      return other !== id && target_type === mapping.target_type && same === mapping.target;
    }),
    ...ownersRemain(ctx.db),
  ];
  const lessens = { users: 'everybody' as const, cause: `What groups of ${provider.name} give was changed` };
  await onLastOwner(
    onGuard(commit(ctx, { guard: store.deleteMapping(ctx.db, providerId, id), changes, events: [event], lessens }), noMapping),
  );
}

/** What these mappings give, once more. */
const regiven = (
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

/** Where what is here is not what the directory says. */
export async function readDrift(ctx: UserContext, providerId: string): Promise<Drift> {
  const state = await readable(ctx, providerId, 'GET /identity-providers/{id}/drift');
  return { items: [...(await differingPeople(ctx, providerId)), ...missing(state).map(({ item }) => item)] };
}

const HERE = { active: 'active', suspended: 'suspended by hand', deactivated: 'deleted' } as const;

async function differingPeople(ctx: UserContext, providerId: string): Promise<Drift['items']> {
  return (await store.findDiffering(ctx.db, providerId)).map(({ id, name, active, state }) => ({
    ...{ kind: active === 1 ? 'suspended-by-hand' : 'active-here', subject: { type: 'user', id, name } },
    ...{ directory: active === 1 ? 'active' : 'disabled', here: HERE[state], mendable: false },
  }));
}

/** What mappings should give and does not stand: it was taken away by hand. */
function missing({ mappings, groups, given }: store.MappedState): Array<{ mapping: MappingRow; item: Drift['items'][number] }> {
  return mappings.flatMap((mapping) => {
    const has = hasIt(given, { type: mapping.target_type, id: mapping.target } as MappingTarget);
    return groups
      .filter((group) => isAbout(mapping, group) && !has.has(group.id))
      .map((group) => ({
        mapping,
        item: {
          ...{ kind: 'mapping-missing' as const, subject: { type: 'group' as const, id: group.id, name: group.name } },
          ...{ directory: `${wordsOf(mapping)} give ${mapping.target_type} ${mapping.target}`, here: 'not given', mendable: true },
        },
      }));
  });
}

/** Gives again what mappings say and somebody took away. @returns how much was mended, and what only people can settle */
export async function syncProvider(ctx: UserContext, providerId: string): Promise<z.infer<typeof synced>> {
  const provider = await providerToChange(ctx, providerId, 'idp.sync');
  const state = await store.findMapped(ctx.db, providerId, ctx.now().toISOString());
  const due = missing(state);
  const mappings = new Set(due.map(({ mapping }) => mapping));
  const event = eventOf(ctx, {
    ...{ action: 'idp.sync', resource: providerResource(provider), status: 200, details: { mended: due.length } },
    diff: due.slice(0, 100).map(({ mapping, item }) => ({
      ...{ path: `group ${item.subject.name}`, old: null, new: `${mapping.target_type} ${mapping.target}`, secret: false },
    })),
  });
  await commit(ctx, { changes: regiven(ctx, state.mappings, state.groups, (mapping) => mappings.has(mapping)), events: [event] });
  return { mended: due.length, left: (await store.findDiffering(ctx.db, providerId)).length };
}
