import { createHmac } from 'node:crypto';
import { post, type Answer, type Outcome, type OutgoingEvent, type Sender } from './send.ts';

const LIMIT = 100;
const MAX_CHARACTERS = 250_000;
const PREFIX = 'whsec_';

/** A secret for a new webhook (Standard Webhooks: `whsec_` and 24 to 64 bytes in base64). */
export const newWebhookSecret = (random: (bytes: number) => Uint8Array): string => PREFIX + btoa(String.fromCharCode(...random(32)));

/** Why a text is no webhook secret; null when it is one. */
export function webhookSecretFault(secret: string): string | null {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  const size = encoded === undefined || encoded.length % 4 !== 0 ? 0 : atob(encoded).length;
  return size >= 24 && size <= 64 ? null : 'must be whsec_ followed by 24 to 64 bytes in base64';
}

/** A webhook signed as Standard Webhooks 1.0 says; its payload is an array of events. */
export function webhookSender(url: string, secret: string, now: () => Date): Sender {
  return {
    limit: LIMIT,
    async send(events) {
      const batch = fitting(events);
      const body = `[${batch.map((event) => event.body).join(',')}]`;
      return judge(await post(url, { 'Content-Type': 'application/json', ...sign(idOf(batch), now(), body, secret) }, body), batch.length);
    },
  };
}

function fitting(events: readonly OutgoingEvent[]): OutgoingEvent[] {
  let characters = 0;
  return events.filter((event, index) => {
    characters += event.body.length;
    return index === 0 || characters <= MAX_CHARACTERS;
  });
}

/** The same batch has the same id each time it is sent. */
const idOf = (batch: readonly OutgoingEvent[]): string => `msg_${batch[0]?.id}_${batch.length}`;

function sign(id: string, at: Date, body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

function judge({ status, retryAfter }: Answer, count: number): Outcome {
  const message = `The webhook answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', count, status, message };
  if (status === 410) return { kind: 'gone', status, message };
  if (status === 413) return { kind: 'split', status, message };
  if (status >= 300 && status < 400)
    return { kind: 'retry', status, message: `${message}, and redirects are not followed`, afterSeconds: null };
  return { kind: 'retry', status, message, afterSeconds: retryAfter };
}
