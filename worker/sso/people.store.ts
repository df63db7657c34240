import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { Known } from '@gatehouse/core/sso/admission.ts';
import { domainOf } from '@gatehouse/core/sso/admission.ts';
import { IN_GOOD_STANDING } from '../directory/people.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const idRow = z.object({ user_id: z.string() });
const holderRow = z.object({ id: z.string(), others: z.number(), provisioned: z.number() });
const domainRow = z.object({ provider_id: z.string().nullable() });

/** Somebody as a provider tells of them. */
export interface Account {
  providerId: string;
  issuer: string;
  subject: string;
  email: string | null;
  externalId: string | null;
}

/** All that is known here of an account, in one trip. */
export async function findKnown(db: TenantDb, { providerId, issuer, subject, email, externalId }: Account): Promise<Known> {
  const address = email ?? '';
  const [identities, provisioned, holders, domains] = await db.batch([
    statement('SELECT user_id FROM identities WHERE tenant_id = ? AND issuer = ? AND subject = ?', db.tenantId, issuer, subject),
    statement(
      'SELECT user_id FROM scim_users WHERE tenant_id = ? AND provider_id = ? AND external_id = ? LIMIT 2',
      ...[db.tenantId, providerId, externalId],
    ),
    statement(
      `SELECT u.id,
         EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = ?1 AND i.user_id = u.id AND i.issuer = ?3 AND i.subject <> ?4) AS others,
         EXISTS (SELECT 1 FROM scim_users s WHERE s.tenant_id = ?1 AND s.user_id = u.id AND s.provider_id = ?5) AS provisioned
       FROM users u WHERE u.tenant_id = ?1 AND u.email = ?2`,
      ...[db.tenantId, address, issuer, subject, providerId],
    ),
    statement(
      'SELECT provider_id FROM mail_domains WHERE tenant_id = ? AND domain = ? AND verified_at IS NOT NULL',
      ...[db.tenantId, domainOf(address)],
    ),
  ]);
  const ids = (provisioned?.rows ?? []).map((each) => idRow.parse(each).user_id);
  const holder = holders?.rows[0] === undefined ? null : holderRow.parse(holders.rows[0]);
  const domain = domains?.rows[0] === undefined ? null : domainRow.parse(domains.rows[0]);
  const byId = ids.length === 1 ? ids[0] : undefined;
  return {
    identity: identities?.rows[0] === undefined ? null : idRow.parse(identities.rows[0]).user_id,
    provisioned: byId ?? (holder?.provisioned === 1 ? holder.id : null),
    holder: holder && { id: holder.id, others: holder.others === 1 },
    domain: domain && { provider: domain.provider_id },
  };
}

/** Ties an account to somebody. Matches nothing where the person has left, or has another account at that issuer by now. */
export const insertIdentity = (db: TenantDb, account: Account, userId: string, now: string): Statement =>
  statement(
    `INSERT INTO identities (tenant_id, issuer, subject, user_id, provider_id, created_at, last_used_at)
     SELECT ?1, ?2, ?3, id, ?5, ?6, ?6 FROM users WHERE tenant_id = ?1 AND id = ?4 AND state <> 'deactivated'
       AND NOT EXISTS (SELECT 1 FROM identities WHERE tenant_id = ?1 AND issuer = ?2 AND user_id = ?4)`,
    ...[db.tenantId, account.issuer, account.subject, userId, account.providerId, now],
  );

/** Matches nothing when the organisation is full. Nobody has a password of it. */
export const insertPerson = (
  db: TenantDb,
  person: { id: string; name: string; email: string; verified: boolean; now: string },
): Statement =>
  statement(
    `INSERT INTO users (tenant_id, id, email, name, state, email_verified_at, created_at)
     SELECT ?1, ?2, ?3, ?4, 'active', ?5, ?6 WHERE (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?7`,
    ...[db.tenantId, person.id, person.email, person.name, person.verified ? person.now : null, person.now, QUOTAS.users],
  );

/** Matches nothing when person, organisation, account or provider may not be used any more. */
export const useIdentity = (db: TenantDb, { issuer, subject, providerId }: Account, userId: string, now: string): Statement =>
  statement(
    `UPDATE identities SET last_used_at = ?6, provider_id = ?5 WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3 AND user_id = ?4
       AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?4 AND ${IN_GOOD_STANDING})
       AND EXISTS (SELECT 1 FROM identity_providers WHERE tenant_id = ?1 AND id = ?5 AND oidc_state = 'on')`,
    ...[db.tenantId, issuer, subject, userId, providerId, now],
  );

const customRole = z.object({ role: z.string(), name: z.string(), permissions: z.string() });
export async function findCustomRoles(db: TenantDb): Promise<Array<z.infer<typeof customRole>>> {
  const rows = await db.rows('SELECT id AS role, name, permissions FROM roles WHERE tenant_id = ?', db.tenantId);
  return rows.map((each) => customRole.parse(each));
}
