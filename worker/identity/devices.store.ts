import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const rememberDevice = (db: TenantDb, { userId, device, now }: { userId: string; device: string; now: string }): Statement =>
  statement(
    `INSERT INTO known_devices (tenant_id, user_id, device, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?4)
     ON CONFLICT (tenant_id, user_id, device) DO UPDATE SET last_seen_at = excluded.last_seen_at`,
    ...[db.tenantId, userId, device, now],
  );

/** Of what a person has used: `all`, `known` on that device, `here` on it in that country. */
export const deviceStanding = (
  db: TenantDb,
  userId: string,
  device: string,
  key: string,
): Promise<{ all: number; known: number; here: number } | undefined> =>
  db.first(
    `SELECT count(*) AS "all", coalesce(sum(substr(device, 1, length(?3)) = ?3), 0) AS known, coalesce(sum(device = ?4), 0) AS here
     FROM known_devices WHERE tenant_id = ?1 AND user_id = ?2`,
    ...[db.tenantId, userId, device, key],
  );
