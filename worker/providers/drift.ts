import type { z } from 'zod';
import { givenDetails } from '@gatehouse/core/access/power.ts';
import type { Drift, groupHandOver, synced } from '@gatehouse/core/api/group-mappings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { powersOfRoles, requireGrantable } from '../directory/role-grants.ts';
import { commit, eventOf, onGuard, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { handOver, joinMade } from './made-groups.store.ts';
import { carryOut, pairsOf, planMade, untilPlanned, unmadeWords, type MadePlan } from './made-groups.ts';
import { isAbout, type MappingRow } from './mapped.ts';
import { hasIt, readable, regiven, rolesOfGroup, wordsOf } from './mappings.ts';
import * as store from './mappings.store.ts';
import { providerResource, providerToChange } from './providers.ts';

/** Where what is here is not what the directory says. */
export async function readDrift(ctx: UserContext, providerId: string): Promise<Drift> {
  const state = await readable(ctx, providerId, 'GET /identity-providers/{id}/drift');
  return { items: [...(await differingPeople(ctx, providerId)), ...(await missing(ctx, state)).map(itemOf)] };
}

const HERE = { active: 'active', suspended: 'suspended by hand', deactivated: 'deleted' } as const;

async function differingPeople(ctx: UserContext, providerId: string): Promise<Drift['items']> {
  return (await store.findDiffering(ctx.db, providerId)).map(({ id, name, active, state }) => ({
    ...{ kind: active === 1 ? 'suspended-by-hand' : 'active-here', subject: { type: 'user', id, name } },
    ...{ directory: active === 1 ? 'active' : 'disabled', here: HERE[state], mendable: false, handOver: null },
  }));
}

interface Missing {
  mapping: MappingRow;
  group: store.DirectoryGroupRow;
  /** for a group that is to be made */
  plan: MadePlan | undefined;
}

/** What mappings should give and does not stand: it was taken away by hand, or a group could not be made. */
async function missing(ctx: UserContext, { mappings, groups, given }: store.MappedState): Promise<Missing[]> {
  const pairs = mappings.flatMap((mapping) => {
    const has = hasIt(given, mapping);
    return groups.filter((group) => isAbout(mapping, group) && !has.has(group.id)).map((group) => ({ mapping, group }));
  });
  const plans = await planMade(
    ctx,
    pairs.filter(({ mapping }) => mapping.target_type === 'made-group'),
  );
  return pairs.map((pair) => ({
    ...pair,
    plan: plans.find(({ mapping, group }) => mapping === pair.mapping && group.id === pair.group.id),
  }));
}

const isMendable = ({ plan }: Missing): boolean => plan === undefined || plan.id !== null;

function itemOf({ mapping, group, plan }: Missing): Drift['items'][number] {
  const subject = { type: 'group' as const, id: group.id, name: group.name };
  const unmade = plan === undefined ? null : unmadeWords(plan);
  if (unmade === null) {
    const gives = plan === undefined ? `${mapping.target_type} ${mapping.target}` : `a group ${plan.name}`;
    const directory = `${wordsOf(mapping)} give ${gives}`;
    return { kind: 'mapping-missing', subject, directory, here: 'not given', mendable: true, handOver: null };
  }
  const by = plan?.by;
  return {
    ...{
      kind: 'not-made',
      subject,
      directory: `${wordsOf(mapping)} make a group ${plan?.name || mapping.target}`,
      here: unmade,
      mendable: false,
    },
    handOver: by?.handMade === true ? { mapping: mapping.id, group: { id: by.id, name: by.name } } : null,
  };
}

/** Gives again what mappings say and somebody took away. @returns how much was mended, and what only people can settle */
export async function syncProvider(ctx: UserContext, providerId: string): Promise<z.infer<typeof synced>> {
  const provider = await providerToChange(ctx, providerId, 'idp.sync');
  const state = await store.findMapped(ctx.db, providerId, ctx.now().toISOString());
  const { mended, unmade } = await untilPlanned(async () => {
    const all = await missing(ctx, state);
    const due = all.filter(isMendable);
    const mappings = new Set(due.map(({ mapping }) => mapping));
    const event = eventOf(ctx, {
      ...{ action: 'idp.sync', resource: providerResource(provider), status: 200, details: { mended: due.length } },
      diff: due.slice(0, 100).map(({ mapping, group, plan }) => ({
        ...{ path: `group ${group.name}`, old: null, new: `${mapping.target_type} ${plan?.name ?? mapping.target}`, secret: false },
      })),
    });
    const made = carryOut(
      ctx,
      provider.name,
      due.flatMap(({ plan }) => plan ?? []),
    );
    const given = regiven(ctx, state.mappings, state.groups, (mapping) => mappings.has(mapping));
    await commit(ctx, { changes: [...given, ...made.changes], events: [event, ...made.events] });
    return { mended: due.length, unmade: all.length - due.length };
  });
  return { mended, left: unmade + (await store.findDiffering(ctx.db, providerId)).length };
}

/**
 * Lets a mapping keep a group that was made by hand and has the name of one that it would make: the directory's groups are in it from
 * then on. It gives them what the group gives, so it needs as much as that. It is never deleted by itself.
 * @throws AppError `permission-denied`, `not-found`, `invalid`, `conflict`
 */
export async function handGroupOver(
  ctx: UserContext,
  providerId: string,
  mappingId: string,
  { group: groupId }: z.infer<typeof groupHandOver>,
): Promise<void> {
  const facts = { action: 'group.update', resource: { type: 'group', id: groupId, name: 'a group' } } as const;
  const provider = await providerToChange(ctx, providerId, 'group.update');
  await require(ctx, 'group:update', facts);
  const { mappings, groups } = await store.findMapped(ctx.db, providerId, ctx.now().toISOString());
  const mapping = mappings.find(({ id }) => id === mappingId);
  if (!mapping) throw new AppError('not-found', 'There is no such mapping');
  const plans = await planMade(ctx, pairsOf([mapping], groups));
  const fitting = plans.filter(({ by }) => by?.id === groupId && by.handMade);
  const by = fitting[0]?.by;
  if (!by) {
    const errors = [{ path: 'group', message: 'is no group made by hand that has the name of one that the mapping makes' }];
    throw new AppError('invalid', 'Some of the input is wrong', { errors });
  }
  const roles = await rolesOfGroup(ctx, groupId);
  const named = { ...facts, resource: { ...facts.resource, name: by.name } };
  await requireGrantable(ctx, named, roles);
  const event = eventOf(ctx, {
    ...{ ...named, status: 204, diff: [{ path: 'kept by', old: null, new: `${provider.name}, ${wordsOf(mapping)}`, secret: false }] },
    details: {
      ...{ mapping: mapping.id, provider: providerId, members: fitting.map(({ group }) => group.display_name).join(', ') },
      ...givenDetails({ power: powersOfRoles(roles), self: false }),
    },
  });
  const members = fitting.map(({ group }) => group.id);
  const change = { guard: handOver(ctx.db, mapping.id, by), changes: [joinMade(ctx.db, mapping.id, groupId, members)], events: [event] };
  await onGuard(
    commit(ctx, change),
    () => new AppError('conflict', 'Somebody changed the group or the mapping in the meantime. Look again.'),
  );
}
