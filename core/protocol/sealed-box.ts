import { decode, encode } from 'jose/base64url';
import { concat, type Bytes } from './bytes.ts';
import { HandshakeFailed } from './noise.ts';
import { initiate, respond } from './noise-nk.ts';
import { generateKeyPair, type KeyPair } from './noise-state.ts';

/**
 * One message to a runner that only it can read: the first message of the handshake, with a payload, and never answered. Who sealed it
 * is not said; it comes over a socket that says so.
 */
const prologueOf = (purpose: string, about: readonly string[]): Bytes =>
  new TextEncoder().encode(['gatehouse.sealed', purpose, ...about].join('\0'));

export interface Sealing {
  purpose: 'git-credentials' | 'snapshot-key';
  /** ids that it belongs to: elsewhere it does not open */
  about: readonly string[];
}

/** @param key the runner's agreement key, raw @returns base64url */
export async function sealTo(key: Uint8Array, { purpose, about }: Sealing, payload: Uint8Array): Promise<string> {
  const own = { prologue: prologueOf(purpose, about), ephemeral: await generateKeyPair(), payload };
  return encode((await initiate({ ...own, responderKey: concat(key) })).message);
}

/** @throws HandshakeFailed when it was not sealed to this key for that */
export async function openSealed(key: KeyPair, { purpose, about }: Sealing, sealed: string): Promise<Uint8Array> {
  try {
    const own = { prologue: prologueOf(purpose, about), ephemeral: await generateKeyPair(), payload: new Uint8Array(0) };
    return (await respond({ ...own, staticKey: key, message: decode(sealed) })).payload;
  } catch {
    throw new HandshakeFailed();
  }
}
