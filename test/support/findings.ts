import { env } from 'cloudflare:workers';
import { draftEvent } from '@gatehouse/core/audit/event.ts';
import { draft } from './audit.ts';
import { services, type Tenant } from './tenants.ts';

/** Waits until the ledger has seen every event of the organisation: those on their way are brought again, which changes nothing. */
export async function arrive({ id, db }: Tenant): Promise<void> {
  const rows = await db.rows<{ id: string; body: string }>('SELECT id, body FROM outbox WHERE tenant_id = ? ORDER BY id', id);
  const batches = rows.map((row) => ({ outboxId: row.id, events: draftEvent.array().parse(JSON.parse(row.body)) }));
  await services().ledger.append(id, db.shard, batches);
}

/** A finding of the organisation, as a destination that was paused makes one. @returns its id */
export async function makeFinding(tenant: Pick<Tenant, 'id'>): Promise<string> {
  const id = services().newId('destination');
  const event = draft(services(), { action: 'siem.pause', resource: { type: 'siem', id, name: 'SOC' } });
  await services().ledger.append(tenant.id, 's0', [{ outboxId: event.id, events: [event] }]);
  const [found] = await env.AUDIT_LEDGER.getByName(tenant.id).findings({ rules: ['export-stopped'], limit: 1 });
  if (!found) throw new Error('No finding was made');
  return found.id;
}
