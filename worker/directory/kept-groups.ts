import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { losses } from './groups.ts';
import { forgetGroup, roleGrantsFrom, roleGrantsQuery, surroundingsFrom, surroundingsQueries } from './groups.store.ts';
import type { NamedRole } from './role-grants.ts';

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
export const forgotten = (db: TenantDb, groupId: string): Statement[] => forgetGroup(db, groupId);
