import { z } from 'zod';
import { DOMAINS_LIMIT } from '@gatehouse/core/api/sso.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({
  domain: z.string(),
  challenge: z.string(),
  verified_at: z.string().nullable(),
  checked_at: z.string().nullable(),
  missing_since: z.string().nullable(),
  provider_id: z.string().nullable(),
  provider_name: z.string().nullable(),
  created_at: z.string(),
});
export type DomainRow = z.infer<typeof row>;

const SELECT = `SELECT d.domain, d.challenge, d.verified_at, d.checked_at, d.missing_since, d.provider_id, p.name AS provider_name, d.created_at
  FROM mail_domains d LEFT JOIN identity_providers p ON p.tenant_id = d.tenant_id AND p.id = d.provider_id WHERE d.tenant_id = ?`;

export async function findDomains(db: TenantDb): Promise<DomainRow[]> {
  return (await db.rows(`${SELECT} ORDER BY d.domain`, db.tenantId)).map((each) => row.parse(each));
}

export async function findDomain(db: TenantDb, domain: string): Promise<DomainRow | null> {
  const found = await db.first(`${SELECT} AND d.domain = ?`, db.tenantId, domain);
  return found === undefined ? null : row.parse(found);
}

/** Matches nothing when the limit is reached, or the provider is none of the organisation's. */
export const insertDomain = (
  db: TenantDb,
  added: { domain: string; challenge: string; providerId: string | null; now: string },
): Statement =>
  statement(
    `INSERT INTO mail_domains (tenant_id, domain, challenge, provider_id, created_at) SELECT ?1, ?2, ?3, ?4, ?5
     WHERE (SELECT count(*) FROM mail_domains WHERE tenant_id = ?1) < ?6
       AND (?4 IS NULL OR EXISTS (SELECT 1 FROM identity_providers WHERE tenant_id = ?1 AND id = ?4))`,
    ...[db.tenantId, added.domain, added.challenge, added.providerId, added.now, DOMAINS_LIMIT],
  );

/** Matches nothing when the domain is gone, or the provider is none of the organisation's. */
export const assignDomain = (db: TenantDb, domain: string, providerId: string | null): Statement =>
  statement(
    `UPDATE mail_domains SET provider_id = ?3 WHERE tenant_id = ?1 AND domain = ?2
       AND (?3 IS NULL OR EXISTS (SELECT 1 FROM identity_providers WHERE tenant_id = ?1 AND id = ?3))`,
    ...[db.tenantId, domain, providerId],
  );

export const markChecked = (db: TenantDb, domain: string, now: string, proved: boolean): Statement =>
  statement(
    `UPDATE mail_domains SET checked_at = ?3, verified_at = CASE WHEN ?4 THEN coalesce(verified_at, ?3) ELSE verified_at END,
       missing_since = CASE WHEN ?4 THEN NULL ELSE missing_since END
     WHERE tenant_id = ?1 AND domain = ?2`,
    ...[db.tenantId, domain, now, proved ? 1 : 0],
  );

export interface Looked {
  checkedAt: string;
  missingSince: string | null;
  proved: boolean;
}

/** Matches nothing where somebody looked since it was read, or the domain is not proved any more. */
export const lookedAgain = (db: TenantDb, domain: string, seen: string | null, looked: Looked): Statement =>
  statement(
    `UPDATE mail_domains SET checked_at = ?4, missing_since = ?5, verified_at = CASE WHEN ?6 = 1 THEN verified_at END
     WHERE tenant_id = ?1 AND domain = ?2 AND checked_at IS ?3 AND verified_at IS NOT NULL`,
    ...[db.tenantId, domain, seen, looked.checkedAt, looked.missingSince, looked.proved ? 1 : 0],
  );

export const deleteDomain = (db: TenantDb, domain: string): Statement =>
  statement('DELETE FROM mail_domains WHERE tenant_id = ? AND domain = ?', db.tenantId, domain);

/** Which organisation a domain leads to. One has it alone. @returns whether it is this one's now */
export async function claimInDirectory(directory: D1Database, domain: string, tenantId: string, now: string): Promise<boolean> {
  await directory
    .prepare('INSERT INTO mail_domains (domain, tenant_id, verified_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    .bind(domain, tenantId, now)
    .run();
  const held = await directory.prepare('SELECT tenant_id FROM mail_domains WHERE domain = ?').bind(domain).first<string>('tenant_id');
  return held === tenantId;
}

export async function releaseInDirectory(directory: D1Database, domain: string, tenantId: string): Promise<void> {
  await directory.prepare('DELETE FROM mail_domains WHERE domain = ? AND tenant_id = ?').bind(domain, tenantId).run();
}

/** Slug of the organisation that has proved the domain. */
export async function slugOfDomain(directory: D1Database, domain: string): Promise<string | null> {
  const sql = 'SELECT t.slug FROM mail_domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.domain = ?';
  return directory.prepare(sql).bind(domain).first<string>('slug');
}
