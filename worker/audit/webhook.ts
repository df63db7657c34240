import { createHmac } from 'node:crypto';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { judgeStatus, type Answer, type Outcome, type OutgoingEvent, type Target } from './send.ts';

type WebhookConfig = Extract<DestinationConfig, { type: 'webhook' }>;
type Signing = WebhookConfig['signing'];

const HMAC_PREFIX = 'whsec_';
const PRIVATE_PREFIX = 'whsk_';
const PUBLIC_PREFIX = 'whpk_';
/** The former secret signs along for so long after a new one was made. */
export const ROTATION_MS = 24 * 60 * 60_000;

/** A webhook signed as Standard Webhooks 1.0 says; its payload is an array of events. @param keys each signs */
export function webhookTarget({ url, signing }: WebhookConfig, keys: readonly string[], now: () => Date): Target {
  return {
    limits: { events: 100, bytes: 250_000 },
    encode: (event) => event.body,
    frame: { open: '[', between: ',', close: ']' },
    request: async (body, events) => {
      const signed = await sign(signing, keys, { id: idOf(events), at: now(), body });
      return { method: 'POST', url, headers: { 'Content-Type': 'application/json', ...signed }, body };
    },
    judge: (answer, events) => judge(answer, events.length),
  };
}

/** The same batch has the same id each time it is sent. */
const idOf = (batch: readonly OutgoingEvent[]): string => `msg_${batch[0]?.event.id}_${batch.length}`;

async function sign(
  signing: Signing,
  keys: readonly string[],
  { id, at, body }: { id: string; at: Date; body: string },
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const content = `${id}.${timestamp}.${body}`;
  const signatures = await Promise.all(keys.map((key) => (signing === 'hmac' ? hmac(key, content) : ed25519(key, content))));
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function hmac(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(HMAC_PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

async function ed25519(secret: string, content: string): Promise<string> {
  const key = await privateKeyOf(secret.slice(PRIVATE_PREFIX.length));
  const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(content));
  return `v1a,${Buffer.from(signature).toString('base64')}`;
}

/** PKCS #8 of an Ed25519 key is this before its seed (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
const privateKeyOf = (encoded: string): Promise<CryptoKey> => {
  const seed = Buffer.from(encoded, 'base64').subarray(0, SEED_BYTES);
  return crypto.subtle.importKey('pkcs8', Buffer.concat([PKCS8_HEAD, seed]), 'Ed25519', true, ['sign']);
};

async function publicBytes(encoded: string): Promise<Buffer> {
  const jwk = (await crypto.subtle.exportKey('jwk', await privateKeyOf(encoded))) as JsonWebKey;
  return Buffer.from(jwk.x ?? '', 'base64url');
}

/** A secret for a new webhook: `whsec_` and 32 bytes, or `whsk_` with an Ed25519 key (seed and public part), in base64. */
export async function newWebhookSecret(signing: Signing, random: (bytes: number) => Uint8Array): Promise<string> {
  const bytes = Buffer.from(random(SEED_BYTES));
  if (signing === 'hmac') return HMAC_PREFIX + bytes.toString('base64');
  return PRIVATE_PREFIX + Buffer.concat([bytes, await publicBytes(bytes.toString('base64'))]).toString('base64');
}

/** `whpk_…` for whoever checks the signatures; null where they are made with a shared secret. */
export const webhookPublicKey = async (signing: Signing, secret: string): Promise<string | null> =>
  signing === 'hmac' ? null : PUBLIC_PREFIX + (await publicBytes(secret.slice(PRIVATE_PREFIX.length))).toString('base64');

/** Why a text is no webhook secret; null when it is one. */
export function webhookSecretFault(signing: Signing, secret: string): string | null {
  const [, prefix, encoded = ''] = /^(whsec_|whsk_)([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const size = encoded.length % 4 !== 0 ? 0 : atob(encoded).length;
  if (signing === 'hmac')
    return prefix === HMAC_PREFIX && size >= 24 && size <= 64 ? null : 'must be whsec_ followed by 24 to 64 bytes in base64';
  return prefix === PRIVATE_PREFIX && (size === 32 || size === 64) ? null : 'must be whsk_ followed by an Ed25519 key in base64';
}

function judge(answer: Answer, count: number): Outcome {
  const { status, retryAfter } = answer;
  const message = `The webhook answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', count, status, message };
  if (status === 410) return { kind: 'gone', status, message };
  if (status === 413 || status === 401 || status === 403 || status < 400) return judgeStatus('The webhook', answer);
  // Whoever answers another 4xx may mean anything: no event is set aside for it.
  return { kind: 'retry', status, message, afterSeconds: retryAfter };
}
