import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import { domainOf, type DirectoryPerson } from '@gatehouse/core/scim/person.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import type { Kept, PersonRow, Wanted } from './scim-users.store.ts';

/** Bytes of JSON that are kept of a person. */
const MAX_RESOURCE = 64 * 1024;

export interface UserPlan {
  wanted: Wanted;
  kept: Kept;
  /** what becomes of the person’s state */
  act: 'suspend' | 'activate' | null;
  /** what the directory asks and does not get, and why */
  note: string | null;
  changes: AuditChange[];
}

interface Before {
  person: PersonRow | null;
  /** as it was kept */
  resource: Json;
  active: boolean | null;
}

/**
 * What a person’s resource means for the person.
 * @param says whether the request speaks of `active` at all: what it does not, it leaves
 */
export function planOf(
  id: string,
  before: Before,
  resource: Json,
  { person, says, domains, now }: { person: DirectoryPerson; says: boolean; domains: ReadonlyMap<string, unknown>; now: string },
): UserPlan {
  const text = JSON.stringify(withoutActive(resource));
  if (text.length > MAX_RESOURCE) throw new ScimError(413, 'invalidValue', 'What is sent of a person has at most 64 KiB');
  const { state, suspended_by, act, note } = stateOf(before.person, person.active, says);
  const moved = before.person?.email !== person.email;
  const verified = moved ? (domains.has(domainOf(person.email)) ? now : null) : (before.person?.email_verified_at ?? null);
  const wanted: Wanted = { id, name: person.name, email: person.email, email_verified_at: verified, state, suspended_by };
  const kept = { id, userName: person.userName, externalId: person.externalId, active: person.active, resource: text };
  return { wanted, kept, act, note, changes: changesOf(before, wanted, resource, person.active) };
}

export const withoutActive = (resource: Json): Json => Object.fromEntries(Object.entries(resource).filter(([name]) => name !== 'active'));

/** What a person did by hand, a directory does not undo. */
function stateOf(
  before: PersonRow | null,
  active: boolean,
  says: boolean,
): Pick<Wanted, 'state' | 'suspended_by'> & Pick<UserPlan, 'act' | 'note'> {
  const stays = { act: null, note: null };
  if (before === null)
    return active ? { state: 'active', suspended_by: null, ...stays } : { state: 'suspended', suspended_by: 'directory', ...stays };
  const { state, suspended_by } = before;
  if (!says || active === (state === 'active')) return { state, suspended_by, ...stays };
  if (!active) return { state: 'suspended', suspended_by: 'directory', act: 'suspend', note: null };
  if (suspended_by === 'directory') return { state: 'active', suspended_by: null, act: 'activate', note: null };
  return { state, suspended_by, act: null, note: 'Stays suspended: an administrator of Gatehouse suspended this person by hand' };
}

/** Names of what changed, for the trail and for the log. */
function changesOf(before: Before, wanted: Wanted, resource: Json, active: boolean): AuditChange[] {
  const own = (['name', 'email'] as const).map((path) => ({ path, old: before.person?.[path] ?? null, new: wanted[path] }));
  const keys = [...new Set([...Object.keys(before.resource), ...Object.keys(resource)])].filter(
    (key) => key !== 'active' && key !== 'name',
  );
  const others = keys.map((key) => ({ path: key, old: before.resource[key] ?? null, new: resource[key] ?? null }));
  const all = [...own, { path: 'active', old: before.active, new: active }, ...others];
  return all.filter((each) => !isSame(each.old, each.new)).map((each) => ({ ...each, secret: false }));
}

/** Whether two values are the same, whatever the order of their names. */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));

const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, ordered(each)]),
  );
};
