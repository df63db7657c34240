import { decode } from 'jose/base64url';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { TAG_BYTES } from './aead.ts';
import { type Bytes, concat } from './bytes.ts';
import { SUBPROTOCOL } from './frame.ts';
import { initiate, PUBLIC_KEY_BYTES, respond, type SessionKeys } from './noise-nk.ts';
import { generateKeyPair, type KeyPair } from './noise-state.ts';

/** SPEC E3: a public key and the tag of an empty payload. */
const HANDSHAKE_BYTES = PUBLIC_KEY_BYTES + TAG_BYTES;
const NOTHING = new Uint8Array(0);

/** Says the same whatever went wrong: what fits and what does not is nobody's to probe. */
export class HandshakeFailed extends Error {
  constructor() {
    super('The end-to-end handshake failed');
    this.name = 'HandshakeFailed';
  }
}

async function orHandshakeFailed<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch {
    throw new HandshakeFailed();
  }
}

/** SPEC E4: what both ends must mean by this connection. @param viewer number from the broker's welcome */
export function prologueOf(workspaceId: string, viewer: number): Bytes {
  return concat(new TextEncoder().encode(`${SUBPROTOCOL}\0${workspaceId}\0`), Uint8Array.of(viewer >> 8, viewer));
}

/** The browser's end of one handshake. */
export interface Initiator {
  /** to be sent; 48 bytes */
  message: Bytes;
  /** @throws HandshakeFailed when the reply is not the runner's; no other reply is taken then */
  finish(reply: Uint8Array): Promise<SessionKeys>;
}

/**
 * SPEC E1 to E4. @param options.responderKey the runner's public key, raw, 32 bytes
 * @throws HandshakeFailed when no secret can be agreed with that key
 */
export function startHandshake(options: { prologue: Uint8Array; responderKey: Uint8Array }): Promise<Initiator> {
  return orHandshakeFailed(async () => {
    const own = { prologue: options.prologue, ephemeral: await generateKeyPair(), payload: NOTHING };
    const { message, finish } = await initiate({ ...own, responderKey: options.responderKey.slice() });
    return { message, finish: (reply) => orHandshakeFailed(async () => (await finish(whole(reply))).keys) };
  });
}

/**
 * SPEC E1 to E4: the runner's end. The message may be a replay; the keys of a reply to a replay are of use to nobody.
 * @throws HandshakeFailed
 */
export function answerHandshake(options: {
  prologue: Uint8Array;
  staticKey: KeyPair;
  message: Uint8Array;
}): Promise<{ reply: Bytes; keys: SessionKeys }> {
  return orHandshakeFailed(async () => {
    const message = whole(options.message);
    const { reply, keys } = await respond({ ...options, message, ephemeral: await generateKeyPair(), payload: NOTHING });
    return { reply, keys };
  });
}

function whole(message: Uint8Array): Uint8Array {
  if (message.byteLength !== HANDSHAKE_BYTES) throw new Error('Not a handshake message');
  return message;
}

const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');
const responderJwk = z.object({ kty: z.literal('OKP'), crv: z.literal('X25519'), x: bytes32, d: bytes32 });

/**
 * The runner's agreement key from its JWK (RFC 8037); once imported, its private half can't be read back.
 * @throws AppError `invalid` when it is not a private X25519 key
 */
export async function importResponderKey(jwk: unknown): Promise<KeyPair> {
  const key = responderJwk.safeParse(jwk);
  if (!key.success) throw new AppError('invalid', 'Not a private X25519 key in JWK form');
  const privateKey = await crypto.subtle.importKey('jwk', key.data, { name: 'X25519' }, false, ['deriveBits']);
  return { privateKey, publicKey: decode(key.data.x).slice() };
}
