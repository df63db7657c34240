import { z } from 'zod';
import type { GitCredentials } from '@gatehouse/core/protocol/runner-policy.ts';
import { MAX_GIT_CREDENTIALS } from '@gatehouse/core/api/git-credentials.ts';
import type { Services } from '../platform/context.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({ id: z.string(), host: z.string(), username: z.string(), created_at: z.string() });
export type GitCredentialRow = z.infer<typeof row>;

export const secretAddress = (id: string): SecretAddress => ({ table: 'git_credentials', column: 'secret', row: id });

/** By host; without their secrets. */
export async function findGitCredentials(db: TenantDb, userId: string): Promise<GitCredentialRow[]> {
  const rows = await db.rows(
    'SELECT id, host, username, created_at FROM git_credentials WHERE tenant_id = ? AND user_id = ? ORDER BY host',
    db.tenantId,
    userId,
  );
  return rows.map((each) => row.parse(each));
}

/** In place of the person's credential for that host, if there is one; only below the limit. */
export const storeGitCredential = ({ tenantId }: TenantDb, userId: string, made: GitCredentialRow & { secret: string }): Statement =>
  statement(
    `INSERT INTO git_credentials (tenant_id, id, user_id, host, username, secret, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
     WHERE (SELECT count(*) FROM git_credentials WHERE tenant_id = ?1 AND user_id = ?3 AND host <> ?4) < ?8
     ON CONFLICT (tenant_id, user_id, host) DO UPDATE SET id = excluded.id, username = excluded.username, secret = excluded.secret, created_at = excluded.created_at`,
    ...[tenantId, made.id, userId, made.host, made.username, made.secret, made.created_at],
    MAX_GIT_CREDENTIALS,
  );

export const deleteGitCredential = ({ tenantId }: TenantDb, userId: string, id: string): Statement =>
  statement('DELETE FROM git_credentials WHERE tenant_id = ? AND user_id = ? AND id = ?', tenantId, userId, id);

/** Of a person, where they run. */
export const findRunningOf = (db: TenantDb, userId: string): Promise<Array<{ id: string; runner_id: string }>> =>
  db.rows<{ id: string; runner_id: string }>(
    "SELECT id, runner_id FROM workspaces WHERE tenant_id = ? AND owner_id = ? AND desired = 'running' AND phase <> 'deleted'",
    db.tenantId,
    userId,
  );

const sealedRow = z.object({ id: z.string(), user_id: z.string(), host: z.string(), username: z.string(), secret: z.string() });

/** The opened credentials of active people, by person. To be sealed again at once. What does not open holds up no order. */
export async function openGitCredentials(
  { db, secrets, log }: Pick<Services, 'secrets' | 'log'> & { db: TenantDb },
  userIds: readonly string[],
): Promise<Map<string, GitCredentials>> {
  if (userIds.length === 0) return new Map();
  const found = await db.rows(
    `SELECT c.id, c.user_id, c.host, c.username, c.secret FROM json_each(?2) AS wanted
     JOIN users u ON u.tenant_id = ?1 AND u.id = wanted.value AND u.state = 'active'
     JOIN git_credentials c ON c.tenant_id = ?1 AND c.user_id = u.id ORDER BY c.user_id, c.host`,
    db.tenantId,
    JSON.stringify(userIds),
  );
  const rows = found.map((each) => sealedRow.parse(each));
  const sealed = rows.map(({ id, secret }) => ({ address: secretAddress(id), sealed: secret }));
  const opened = await secrets.openAll(db, sealed).catch((error: unknown) => {
    log('error', 'git credentials do not open', { tenantId: db.tenantId, error: String(error) });
    return null;
  });
  if (opened === null) return new Map();
  const byPerson = new Map<string, GitCredentials>();
  rows.forEach(({ user_id, host, username }, index) => {
    byPerson.set(user_id, [...(byPerson.get(user_id) ?? []), { host, username, secret: opened[index] ?? '' }]);
  });
  return byPerson;
}
