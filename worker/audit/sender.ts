import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { datadogTarget } from './datadog.ts';
import { addressesOf, refusalOf } from './destination-url.ts';
import { secretAddress, signingKeys, type StoredDestination } from './destinations.store.ts';
import { elasticTarget } from './elastic.ts';
import { s3Target } from './s3.ts';
import { ask, unreachable, type Ask, type Outcome, type OutgoingEvent, type Sender, type Target } from './send.ts';
import { sentinelTarget, type TokenKeeper } from './sentinel.ts';
import { splunkTarget } from './splunk.ts';
import { webhookTarget } from './webhook.ts';

/** All requests of one batch together: a lease lasts longer, so nobody else begins before the last of them is over. */
export const SEND_MS = 25_000;

/** The sender of a destination with its secret opened. It never throws: what goes wrong is an outcome. */
export async function senderOf(services: Services, db: TenantDb, destination: StoredDestination): Promise<Sender> {
  const secret = await services.secrets.open(db, secretAddress(destination.id), destination.secret);
  const target = targetOf(services, db, destination, secret);
  return {
    limit: target.limits.events,
    send: async (events) => {
      const refusal = addressRefusal(destination.config, services);
      if (refusal !== null) return { kind: 'hold', status: null, message: `The address ${refusal}` };
      const signal = AbortSignal.timeout(SEND_MS);
      try {
        return await send(target, events, (request) => ask(request, { now: services.now(), signal }));
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}

/** Looked at with each delivery, not only when it was typed: what is refused may have been learnt since. */
function addressRefusal(config: DestinationConfig, { settings }: Services): string | null {
  return addressesOf(config).reduce<string | null>((found, { url }) => found ?? refusalOf(url, settings), null);
}

/** Packs what fits, sends it, and says what became of it. */
export async function send(target: Target, events: readonly OutgoingEvent[], ask: Ask): Promise<Outcome> {
  const packed = pack(target, events);
  if ('kind' in packed) return packed;
  const exchange = async () => {
    const request = await target.request(packed.body, packed.events, ask);
    return 'kind' in request ? request : ask(request);
  };
  let answer = await exchange();
  if (!('kind' in answer) && (await target.putRight?.(answer))) answer = await exchange();
  const outcome = 'kind' in answer ? answer : target.judge(answer, packed.events);
  return outcome.kind === 'split' ? { ...outcome, count: packed.events.length } : outcome;
}

/** The body with as many of the first events as it takes. One that alone is too large goes alone, for the target to say so. */
function pack(
  { limits, frame, encode, fault }: Target,
  events: readonly OutgoingEvent[],
): { body: string; events: OutgoingEvent[] } | Outcome {
  const parts: string[] = [];
  let bytes = Buffer.byteLength(frame.open + frame.close);
  for (const event of events.slice(0, limits.events)) {
    const part = event.spoilt === undefined ? encode(event) : '';
    const spoilt = event.spoilt ?? fault?.(event, part) ?? null;
    if (spoilt !== null && parts.length === 0) return { kind: 'refused', index: 0, status: null, message: spoilt };
    const size = Buffer.byteLength(part) + frame.between.length;
    if (parts.length > 0 && (spoilt !== null || bytes + size > limits.bytes)) break;
    parts.push(part);
    bytes += size;
  }
  return { body: frame.open + parts.join(frame.between) + frame.close, events: events.slice(0, parts.length) };
}

function targetOf(services: Services, db: TenantDb, destination: StoredDestination, secret: string): Target {
  const { id, config } = destination;
  const host = new URL(services.settings.ORIGIN).hostname;
  switch (config.type) {
    case 'splunk-hec':
      return splunkTarget(config, secret, id, host);
    case 'webhook':
      return webhookTarget(config, signingKeys(destination, secret, services.now()), services.now);
    case 's3':
      return s3Target(config, secret, services.now);
    case 'sentinel':
      return sentinelTarget(config, secret, tokenKeeper(services, db, id), services.now);
    case 'datadog':
      return datadogTarget(config, secret, host, services.now);
    case 'elastic':
      return elasticTarget(config, secret);
  }
}

/** The ledger keeps the access token between deliveries, as sealed as the secret it was got with. */
function tokenKeeper(services: Services, db: TenantDb, destinationId: string): TokenKeeper {
  const ledger = services.ledger.open(db.tenantId, db.shard);
  const address = { table: 'ledger.destinations', column: 'token', row: destinationId };
  return {
    read: async () => {
      const sealed = await ledger.accessToken(destinationId);
      return sealed === null ? null : services.secrets.open(db, address, sealed);
    },
    keep: async (token, until) => ledger.keepAccessToken(destinationId, await services.secrets.seal(db, address, token), until.getTime()),
    forget: () => ledger.keepAccessToken(destinationId, null, 0),
  };
}
