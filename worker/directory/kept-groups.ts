import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { losses } from './groups.ts';
import {
  deleteGroups,
  findOwned,
  forgetGroups,
  type OwnedRow,
  roleGrantsFrom,
  roleGrantsQuery,
  surroundingsFrom,
  surroundingsQueries,
} from './groups.store.ts';
import { roleName, type NamedRole } from './role-grants.ts';

/** What a capability needs that keeps groups for somebody else: a directory’s. */
type Rows = ReadonlyArray<Record<string, unknown>>;

/** The roles that being in a group gives now, itself or through those above. */
export const rolesThroughGroup = (db: TenantDb, groupId: string, now: string): Statement => roleGrantsQuery(db, groupId, now);
export const rolesThroughGroupFrom = (rows: Rows | undefined): NamedRole[] => roleGrantsFrom(rows);

/** What hangs on a group, and goes with it. */
export const groupToForget = (db: TenantDb, groupId: string, now: string): Statement[] => surroundingsQueries(db, groupId, '', now);
export function lossesFrom(groupId: string, found: ReadonlyArray<{ rows: Rows }>): { lost: AuditChange[]; people: number } {
  const surroundings = surroundingsFrom(found);
  return { lost: losses(groupId, surroundings), people: surroundings.people };
}
export const forgotten = (db: TenantDb, groupId: string): Statement[] => forgetGroups(db, [groupId]);

/** The same for many at once, with the groups themselves. */
export const forgottenAll = (db: TenantDb, ids: readonly string[]): Statement[] => [deleteGroups(db, ids), ...forgetGroups(db, ids)];

/** The roles that these groups have by themselves. */
export const rolesOfAll = async (db: TenantDb, ids: readonly string[], now: string): Promise<NamedRole[]> =>
  (await findOwned(db, ids, now)).flatMap(({ kind, role, title, permissions }) =>
    kind === 'role' && role !== null ? [{ role, name: title, permissions }] : [],
  );

/** What each of these groups has by itself, and would lose with it. */
export async function lossesOfAll(db: TenantDb, ids: readonly string[], now: string): Promise<Map<string, AuditChange[]>> {
  const losses = new Map<string, AuditChange[]>();
  for (const row of await findOwned(db, ids, now)) {
    const known = losses.get(row.group_id) ?? [];
    losses.set(row.group_id, [...known, { ...lossOf(row), new: null, secret: false }]);
  }
  return losses;
}

function lossOf({ kind, name, role, title }: OwnedRow): Pick<AuditChange, 'path' | 'old'> {
  switch (kind) {
    case 'role':
      return { path: `role ${roleName({ role: role ?? name, name: title })}`, old: true };
    case 'template':
      return { path: `template ${name}`, old: role };
    case 'parent':
      return { path: `membership of ${name}`, old: name };
  }
}
