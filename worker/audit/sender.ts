import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { refusalOf } from './destination-url.ts';
import { secretAddress, type StoredDestination } from './destinations.store.ts';
import { unreachable, type Outcome, type OutgoingEvent, type Sender } from './send.ts';
import { splunkSender } from './splunk.ts';
import { webhookSender } from './webhook.ts';

/** The sender of a destination with its secret opened. It never throws: what goes wrong is an outcome. */
export async function senderOf(services: Services, db: TenantDb, destination: StoredDestination): Promise<Sender> {
  const secret = await services.secrets.open(db, secretAddress(destination.id), destination.secret);
  const { limit, send } = senderOfType(services, destination, secret);
  const careful = async (events: readonly OutgoingEvent[]): Promise<Outcome> => {
    const refusal = refusalOf(destination.config.url, services.settings);
    if (refusal !== null) return { kind: 'hold', status: null, message: `The address ${refusal}` };
    try {
      return await send(events);
    } catch (error) {
      return unreachable(error);
    }
  };
  return { limit, send: careful };
}

function senderOfType({ settings, now }: Services, { id, config }: StoredDestination, secret: string): Sender {
  switch (config.type) {
    case 'splunk-hec':
      return splunkSender(config, secret, id, new URL(settings.ORIGIN).hostname);
    case 'webhook':
      return webhookSender(config.url, secret, now);
  }
}
