import { z } from 'zod';
import type { Context } from '../platform/context.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const secretAddress = (templateId: string, name: string): SecretAddress => ({
  table: 'template_secrets',
  column: 'sealed',
  row: `${templateId}/${name}`,
});

const row = z.object({ name: z.string(), set_at: z.string(), set_by: z.string() });

/** By name, without their values; `set_by` is the name of the person or the service account. */
export async function findSecrets(db: TenantDb, templateId: string): Promise<Array<z.infer<typeof row>>> {
  const rows = await db.rows(
    `SELECT c.name, c.set_at, coalesce(u.name, s.name, c.set_by) AS set_by FROM template_secrets c
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = c.set_by LEFT JOIN service_accounts s ON s.tenant_id = ?1 AND s.id = c.set_by
     WHERE c.tenant_id = ?1 AND c.template_id = ?2 ORDER BY c.name`,
    ...[db.tenantId, templateId],
  );
  return rows.map((each) => row.parse(each));
}

const sealedRow = z.object({ template_id: z.string(), name: z.string(), sealed: z.string() });

/** The values by name, for each of those templates that has any. Only for an order to a runner. */
export async function openSecrets(
  { db, secrets }: Pick<Context, 'db' | 'secrets'>,
  templateIds: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  const opened = new Map<string, Record<string, string>>();
  if (templateIds.length === 0) return opened;
  const rows = await db.rows(
    `SELECT template_id, name, sealed FROM template_secrets
     WHERE tenant_id = ?1 AND template_id IN (SELECT value FROM json_each(?2)) ORDER BY template_id, name`,
    ...[db.tenantId, JSON.stringify(templateIds)],
  );
  for (const { template_id: templateId, name, sealed } of rows.map((each) => sealedRow.parse(each))) {
    const value = await secrets.open(db, secretAddress(templateId, name), sealed);
    opened.set(templateId, { ...opened.get(templateId), [name]: value });
  }
  return opened;
}

export const putSecret = (
  tenantId: string,
  secret: { templateId: string; name: string; sealed: string; setBy: string; setAt: string },
): Statement =>
  statement(
    `INSERT INTO template_secrets (tenant_id, template_id, name, sealed, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant_id, template_id, name) DO UPDATE SET sealed = excluded.sealed, set_by = excluded.set_by, set_at = excluded.set_at`,
    ...[tenantId, secret.templateId, secret.name, secret.sealed, secret.setBy, secret.setAt],
  );

export const dropSecret = (tenantId: string, templateId: string, name: string): Statement =>
  statement('DELETE FROM template_secrets WHERE tenant_id = ? AND template_id = ? AND name = ?', tenantId, templateId, name);

/** All of a template that goes. */
export const forgetSecrets = (tenantId: string, templateId: string): Statement =>
  statement('DELETE FROM template_secrets WHERE tenant_id = ? AND template_id = ?', tenantId, templateId);
