import type { Filter } from './filter.ts';
import { matchesEntry, type Json } from './filter-match.ts';
import { normalised, valueFor } from './normalise.ts';
import type { Operation } from './patch-request.ts';
import { RESOURCE_TYPES } from './schema.ts';
import { invalidPath, invalidValue, ScimError } from './scim-error.ts';

/** Members that one request may name. */
export const MAX_MEMBERS = 20_000;

/** One change of a group’s members; all of them are done one after the other. */
export type MemberStep =
  | { kind: 'add' | 'remove' | 'replace'; ids: readonly string[] }
  /** brackets that say more than which ids */
  | { kind: 'remove-where'; filter: Filter };

export interface GroupChange {
  /** left out: stays */
  displayName?: string;
  /** null: goes; left out: stays */
  externalId?: string | null;
  steps: MemberStep[];
}

/** What a whole group says, sent by POST or PUT. @throws ScimError */
export function groupFrom(body: Json): { displayName: string; externalId: string | null; members: string[] } {
  const sent = normalised(RESOURCE_TYPES.Group, body);
  const members = idsOf((sent['members'] as Json[] | undefined) ?? []);
  return { displayName: nameFrom(sent['displayName']), externalId: (sent['externalId'] as string | undefined) ?? null, members };
}

function nameFrom(value: unknown): string {
  const name = typeof value === 'string' ? value.trim() : '';
  if (name === '') throw invalidValue('displayName is missing');
  if (name.length > 200 || /\p{Cc}/u.test(name)) throw invalidValue('displayName has at most 200 characters, and no control characters');
  return name;
}

/** Who names a member by its address alone. */
const lastOf = (address: unknown): unknown => (typeof address === 'string' ? address.split('/').at(-1) : undefined);

function idsOf(entries: readonly Json[]): string[] {
  const ids = [...new Set(entries.map((entry) => entry['value'] ?? lastOf(entry['$ref'])))];
  if (ids.length > MAX_MEMBERS)
    throw new ScimError(413, 'tooMany', `A request names at most ${MAX_MEMBERS.toLocaleString('en-GB')} members`);
  return ids.map((id) => {
    if (typeof id !== 'string' || id.length > 100) throw invalidValue('Each member needs a value: the id of a user or of a group');
    return id;
  });
}

/** What operations mean for a group. @throws ScimError */
export function groupChange(operations: readonly Operation[]): GroupChange {
  const change: GroupChange = { steps: [] };
  for (const operation of operations) {
    const { op, place, value } = operation;
    switch (place.attribute.name) {
      case 'displayName':
        if (op === 'remove') throw new ScimError(400, 'mutability', 'displayName can’t be removed');
        change.displayName = nameFrom(value);
        break;
      case 'externalId':
        change.externalId = op === 'remove' ? null : (valueFor(place.attribute, value) as string | null);
        break;
      case 'members':
        change.steps.push(memberStep(operation));
    }
  }
  const named = change.steps.reduce((sum, step) => sum + ('ids' in step ? step.ids.length : 0), 0);
  if (named > MAX_MEMBERS) throw new ScimError(413, 'tooMany', `A request names at most ${MAX_MEMBERS.toLocaleString('en-GB')} members`);
  return change;
}

function memberStep({ op, place, entries, value }: Operation): MemberStep {
  if (place.sub !== null) throw invalidPath('A member is added or removed as a whole');
  const ids = value === undefined || value === null ? null : idsOf((valueFor(place.attribute, value) as Json[] | null) ?? []);
  if (op === 'remove') {
    const named = entries === null ? ids : namedBy(entries);
    if (named !== null) return { kind: 'remove', ids: named };
    return entries === null ? { kind: 'replace', ids: [] } : { kind: 'remove-where', filter: entries };
  }
  if (entries !== null) throw invalidPath('Members are added by value, not by a filter');
  return { kind: op, ids: ids ?? [] };
}

/** The ids that a filter of nothing but `value eq "…"`, joined by `or`, names; null for any other. */
function namedBy(filter: Filter): string[] | null {
  if (filter.kind === 'or') {
    const parts = filter.parts.map(namedBy);
    return parts.some((part) => part === null) ? null : parts.flatMap((part) => part ?? []);
  }
  const isId = filter.kind === 'compare' && filter.operator === 'eq' && filter.place.sub?.name === 'value';
  return isId && typeof filter.value === 'string' ? [filter.value] : null;
}

/** Whether all members must be known, not only those named. */
export const needsAll = (steps: readonly MemberStep[]): boolean => steps.some(({ kind }) => kind === 'replace' || kind === 'remove-where');

export const namedIn = (steps: readonly MemberStep[]): string[] => [...new Set(steps.flatMap((step) => ('ids' in step ? step.ids : [])))];

/** Who comes and who goes. @param present those that are in it: all, or those of the named */
export function memberDifference(present: ReadonlySet<string>, steps: readonly MemberStep[]): { add: string[]; remove: string[] } {
  let after = new Set(present);
  for (const step of steps) {
    if (step.kind === 'remove-where') {
      for (const id of after) if (matchesEntry(step.filter, { value: id, type: typeOfMember(id) })) after.delete(id);
    } else if (step.kind === 'replace') after = new Set(step.ids);
    else
      for (const id of step.ids)
        if (step.kind === 'add') after.add(id);
        else after.delete(id);
  }
  return { add: [...after].filter((id) => !present.has(id)), remove: [...present].filter((id) => !after.has(id)) };
}

export const typeOfMember = (id: string): 'User' | 'Group' => (id.startsWith('grp_') ? 'Group' : 'User');
