import { givenDetails } from '@gatehouse/core/access/power.ts';
import type { AuditChange, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { typeOfMember } from '@gatehouse/core/scim/members.ts';
import { powersOfRoles, type NamedRole } from '../directory/role-grants.ts';
import { eventOf, type Lessening } from '../platform/commit.ts';
import type { ScimContext } from './call.ts';
import type { MemberRow } from './scim-groups.store.ts';

/** Members that one event names. */
const TOGETHER = 500;

const keyOf = ({ id }: MemberRow) => `members.${typeOfMember(id).toLowerCase()} ${id}`;

/** As the trail says it of groups that are kept by hand. */
export const membershipChanges = (add: readonly MemberRow[], remove: readonly MemberRow[]): AuditChange[] => [
  ...add.map((each) => ({ path: keyOf(each), old: null, new: membership(each), secret: false })),
  ...remove.map((each) => ({ path: keyOf(each), old: membership(each), new: null, secret: false })),
];
const membership = ({ name }: MemberRow) => ({ name, until: 'for good' });

/** Who came and went, in as many events as it needs to name each. */
export function groupEvents(
  ctx: ScimContext,
  group: { id: string; name: string },
  { add, remove, roles }: { add: readonly MemberRow[]; remove: readonly MemberRow[]; roles: readonly NamedRole[] },
): DraftEvent[] {
  const resource = { type: 'group' as const, ...group };
  const power = powersOfRoles(roles);
  return [...inParts(add, 'added'), ...inParts(remove, 'removed')].map(({ members, how }) =>
    eventOf(ctx, {
      ...{ action: 'group.members.update', resource, status: 200 },
      diff: how === 'added' ? membershipChanges(members, []) : membershipChanges([], members),
      details: {
        ...{ added: how === 'added' ? members.length : 0, changed: 0, removed: how === 'removed' ? members.length : 0 },
        ...(how === 'added' && power.length > 0 ? { ...givenDetails({ power, self: false }), to: someOf(members) } : {}),
      },
    }),
  );
}

function inParts(members: readonly MemberRow[], how: 'added' | 'removed') {
  const parts = [];
  for (let at = 0; at < members.length; at += TOGETHER) parts.push({ members: members.slice(at, at + TOGETHER), how });
  return parts;
}

const someOf = ([first, ...others]: readonly MemberRow[]) =>
  others.length === 0 ? (first?.name ?? '') : `${first?.name ?? ''} and ${others.length} more`;

/** Who is in a group that goes may change until the change stands, so then everybody is looked at. */
export function lesseningOf(group: { name: string }, remove: readonly MemberRow[]): Lessening | null {
  if (remove.length === 0) return null;
  const people = remove.every(({ id }) => typeOfMember(id) === 'User');
  return { users: people ? remove.map(({ id }) => id) : 'everybody', cause: `The members of group ${group.name} changed` };
}
