import { sameName } from '@gatehouse/core/access/config-file.ts';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { MEMBERS_AT_ONCE } from '@gatehouse/core/api/groups.ts';
import { changeGroup, changeManagers, changeMembers } from './groups.ts';
import type { Taking } from './lookup.ts';
import { changeAssignment, changeRole } from './roles.ts';
import { changeAccess, changePolicy } from './templates.ts';

/** Steps that one request takes together. */
export interface Operation {
  changes: Change[];
  run(): Promise<void>;
}

/** Neighbours with the same key are one request: one list, one group's members, one policy. */
function keyOf(change: Change): string | null {
  switch (change.kind) {
    case 'member.add':
    case 'member.remove':
      return `${change.kind} ${sameName(change.group)}`;
    case 'manager.add':
    case 'manager.remove':
      return `manager ${sameName(change.group)}`;
    case 'access.set':
    case 'access.remove':
      return `access ${sameName(change.template)}`;
    case 'policy.set':
    case 'policy.unset':
      return change.template === null ? 'policy' : `policy of ${sameName(change.template)}`;
    default:
      return null;
  }
}

/** The requests that take these steps, in their order. */
export function operationsOf(taking: Taking, changes: readonly Change[]): Operation[] {
  const lots: Array<{ key: string | null; changes: Change[] }> = [];
  for (const change of changes) {
    const key = keyOf(change);
    const last = lots.at(-1);
    const full = change.kind.startsWith('member.') && last?.changes.length === MEMBERS_AT_ONCE;
    if (last !== undefined && key !== null && last.key === key && !full) last.changes.push(change);
    else lots.push({ key, changes: [change] });
  }
  return lots.map((lot) => ({ changes: lot.changes, run: () => take(taking, lot.changes) }));
}

const ofKind = <K extends Change['kind']>(changes: readonly Change[], ...kinds: K[]) =>
  changes.filter((each): each is Extract<Change, { kind: K }> => (kinds as string[]).includes(each.kind));

async function take(taking: Taking, changes: Change[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  switch (first.kind) {
    case 'role.create':
    case 'role.update':
    case 'role.delete':
      return changeRole(taking, first);
    case 'group.create':
    case 'group.update':
    case 'group.delete':
      return changeGroup(taking, first);
    case 'member.add':
    case 'member.remove':
      return changeMembers(taking, first.group, ofKind(changes, 'member.add', 'member.remove'));
    case 'manager.add':
    case 'manager.remove':
      return changeManagers(taking, first.group, ofKind(changes, 'manager.add', 'manager.remove'));
    case 'assignment.set':
    case 'assignment.remove':
      return changeAssignment(taking, first);
    case 'access.set':
    case 'access.remove':
      return changeAccess(taking, first.template, ofKind(changes, 'access.set', 'access.remove'));
    case 'policy.set':
    case 'policy.unset':
      return changePolicy(taking, first.template, ofKind(changes, 'policy.set', 'policy.unset'));
  }
}
