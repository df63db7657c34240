import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const rememberDevice = (db: TenantDb, { userId, device, now }: { userId: string; device: string; now: string }): Statement =>
  statement(
    `INSERT INTO known_devices (tenant_id, user_id, device, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?4)
     ON CONFLICT (tenant_id, user_id, device) DO UPDATE SET last_seen_at = excluded.last_seen_at`,
    ...[db.tenantId, userId, device, now],
  );

/** `others`: devices of that person beside this one */
export const deviceStanding = (db: TenantDb, userId: string, device: string): Promise<{ known: number; others: number } | undefined> =>
  db.first(
    `SELECT coalesce(sum(device = ?3), 0) AS known, coalesce(sum(device <> ?3), 0) AS others FROM known_devices
     WHERE tenant_id = ?1 AND user_id = ?2`,
    ...[db.tenantId, userId, device],
  );
