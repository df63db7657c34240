import { madeName } from '@gatehouse/core/access/group-mapping.ts';
import type { Made } from '@gatehouse/core/api/group-mappings.ts';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { forgottenAll, lossesOfAll } from '../directory/kept-groups.ts';
import { eventOf, type EventContext } from '../platform/commit.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { isAbout, type MappingRow, type NamedGroup } from './mapped.ts';
import * as store from './made-groups.store.ts';

/**
 * Groups that mappings make: local ones of a name made from the directory's, with the directory's group in them, so that they follow
 * its members by themselves. What has the name already, and is not the mapping's own, is left alone and told.
 */

/** What becomes of one group of the directory by one mapping. */
export interface MadePlan extends Made {
  mapping: MappingRow;
  group: NamedGroup;
  /** the group of ours, unless it is not made */
  id: string | null;
}

const plain = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
/** Those among the mappings that make groups. */
const making = (mappings: readonly MappingRow[]): MappingRow[] => mappings.filter(({ target_type }) => target_type === 'made-group');
export const madeFor = ({ kind, pattern, target }: MappingRow, { display_name }: NamedGroup): string | null =>
  madeName({ kind, pattern, name: target }, display_name);

/**
 * What would be made of these pairs, by the names that there are. Two of one mapping with the same name share a group.
 * @param reserved groups that are made beside these
 */
export async function planMade(
  { db, newId }: Pick<EventContext, 'db' | 'newId'>,
  pairs: ReadonlyArray<{ mapping: MappingRow; group: NamedGroup }>,
  reserved = 0,
): Promise<MadePlan[]> {
  if (pairs.length === 0) return [];
  const named = pairs.map((pair) => ({ ...pair, name: madeFor(pair.mapping, pair.group) }));
  const found = await store.findNamesakes(db, [...new Set(named.flatMap(({ name }) => name ?? []))]);
  const known = new Map(found.namesakes.map((each) => [plain(each.name), { ...each, isNew: false }]));
  let room = found.room - reserved;
  return named.map(({ mapping, group, name }): MadePlan => {
    const pair = { mapping, group, name: name ?? '', id: null, by: null };
    if (name === null) return { ...pair, outcome: 'no-name' };
    const namesake = known.get(plain(name));
    if (namesake?.source === 'local' && namesake.kept_by === mapping.id)
      return { ...pair, id: namesake.id, outcome: namesake.isNew ? 'make' : 'join' };
    if (namesake) {
      const handMade = namesake.source === 'local' && namesake.kept_by === null;
      return { ...pair, outcome: 'taken', by: { id: namesake.id, name: namesake.name, handMade } };
    }
    if (room <= 0) return { ...pair, outcome: 'full' };
    room--;
    const id = newId('group');
    known.set(plain(name), { id, name, source: 'local', kept_by: mapping.id, isNew: true });
    return { ...pair, id, outcome: 'make' };
  });
}

/** What carries a plan out, to be committed with whatever it follows from; `isDisturbed` where somebody came in between. */
export function carryOut(
  ctx: EventContext,
  providerName: string,
  plans: readonly MadePlan[],
): { changes: Statement[]; events: DraftEvent[] } {
  const now = ctx.now().toISOString();
  const changes: Statement[] = [];
  const events: DraftEvent[] = [];
  const firsts = new Map(plans.toReversed().map((plan) => [plan.id, plan]));
  for (const [id, { name, mapping, outcome }] of firsts) {
    if (id === null) continue;
    const members = plans.filter((plan) => plan.id === id).map(({ group }) => group);
    if (outcome === 'make') {
      const description = `From ${providerName}, by a mapping`;
      changes.push(store.insertMade(ctx.db, { id, name, description, mapping: mapping.id, now }));
      events.push(
        eventOf(ctx, {
          ...{ action: 'group.create', resource: { type: 'group', id, name }, status: 201 },
          diff: [{ path: 'name', old: null, new: name, secret: false }],
          details: {
            mapping: mapping.id,
            members: members
              .slice(0, 20)
              .map(({ display_name }) => display_name)
              .join(', '),
          },
        }),
      );
    }
    changes.push(
      store.joinMade(
        ctx.db,
        mapping.id,
        id,
        members.map((each) => each.id),
      ),
    );
  }
  return { changes, events };
}

/** Pairs of groups and the mappings that are to make a group for them. */
export const pairsOf = (mappings: readonly MappingRow[], groups: readonly NamedGroup[]) =>
  making(mappings).flatMap((mapping) => groups.filter((group) => isAbout(mapping, group)).map((group) => ({ mapping, group })));

/**
 * A group's name that is NULL is refused by the table, and with it the whole batch: what was seen before is not so any more. The same is
 * true where somebody took a name.
 */
const DISTURBED = /UNIQUE constraint failed: groups\.|NOT NULL constraint failed: groups\.name/;
export const isDisturbed = (error: unknown): boolean => DISTURBED.test(String(error));

const ATTEMPTS = 4;
/** Does `work`, which plans and commits, until nobody comes in between. @throws AppError `conflict` */
export async function untilPlanned<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isDisturbed(error)) throw error;
    }
  }
  throw new AppError('conflict', 'Others are changing groups right now: try again.');
}

/** In words, what of a plan could not be made; for the log and the trail. */
export const unmadeWords = ({ outcome, name, by, group }: MadePlan): string | null => {
  switch (outcome) {
    case 'taken':
      return `no group ${name} is made: there is one already${by?.handMade === true ? ', made by hand' : ''}`;
    case 'no-name':
      return `no group is made for ${group.display_name}: nothing fit to be a name comes out`;
    case 'full':
      return `no group ${name} is made: the organisation has as many as it may have`;
    case 'make':
    case 'join':
      return null;
  }
};

/**
 * Deletes the groups that these mappings made, were to go with the directory's, and in which nobody is left.
 * @param gone the directory's group; null: all that the mappings gave
 * @param staying those that it joins again
 */
export async function endMade(
  ctx: EventContext,
  mappings: readonly MappingRow[],
  gone: string | null,
  staying: readonly MadePlan[] = [],
): Promise<{ changes: Statement[]; events: DraftEvent[] }> {
  const ending = making(mappings).filter(({ when_gone }) => when_gone === 'delete');
  const joined = new Set(staying.map(({ id }) => id));
  const ids = ending.map(({ id }) => id);
  const left = (await store.findLeft(ctx.db, ids, gone)).filter(({ id }) => !joined.has(id));
  if (left.length === 0) return { changes: [], events: [] };
  const all = left.map(({ id }) => id);
  const lost = await lossesOfAll(ctx.db, all, ctx.now().toISOString());
  return {
    changes: [store.nobodyIn(ctx.db, all), ...forgottenAll(ctx.db, all)],
    events: left.map(({ id, name }) =>
      eventOf(ctx, {
        ...{ action: 'group.delete', resource: { type: 'group', id, name }, status: 204 },
        diff: [{ path: 'name', old: name, new: null, secret: false }, ...(lost.get(id) ?? [])],
        details: { reason: 'The directory’s group is gone' },
      }),
    ),
  };
}
