import { env } from 'cloudflare:workers';
import { draft } from './audit.ts';
import { services, type Tenant } from './tenants.ts';

/** A finding of the organisation, as a destination that was paused makes one. @returns its id */
export async function makeFinding(tenant: Pick<Tenant, 'id'>): Promise<string> {
  const id = services().newId('destination');
  const event = draft(services(), { action: 'siem.pause', resource: { type: 'siem', id, name: 'SOC' } });
  await services().ledger.append(tenant.id, 's0', [{ outboxId: event.id, events: [event] }]);
  const [found] = await env.AUDIT_LEDGER.getByName(tenant.id).findings({ rules: ['export-stopped'], limit: 1 });
  if (!found) throw new Error('No finding was made');
  return found.id;
}
