import { decode } from 'jose/base64url';
import { concat } from './bytes.ts';

/** A runner's public keys, raw, in base64url. */
export interface RunnerKeys {
  /** Ed25519: proves who it is */
  identityKey: string;
  /** X25519: what handshakes are made with */
  agreementKey: string;
}

/** `SHA256:` and 64 hex digits over both raw keys, identity first: what an administrator compares, and a browser remembers. */
export async function fingerprintOf({ identityKey, agreementKey }: RunnerKeys): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', concat(decode(identityKey), decode(agreementKey))));
  return `SHA256:${[...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** The raw key that a handshake is started with. */
export const agreementKeyOf = ({ agreementKey }: RunnerKeys): Uint8Array => decode(agreementKey);
