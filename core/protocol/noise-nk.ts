import { type Bytes, concat } from './bytes.ts';
import { agree, type KeyPair, SymmetricState } from './noise-state.ts';

/**
 * The handshake pattern NK (Noise rev. 34 §7.5), with ephemeral key and payload open to choice, as the published test
 * vectors choose them. Each function rejects when anything does not fit. The product shakes hands by noise.ts.
 *
 *     <- s
 *     ...
 *     -> e, es
 *     <- e, ee
 */
const PROTOCOL = 'Noise_NK_25519_AESGCM_SHA256';

export const PUBLIC_KEY_BYTES = 32;

export interface SessionKeys {
  /** 32 bytes each; may be wiped once Sealer and Opener have them */
  send: Bytes;
  receive: Bytes;
  /** what names this handshake and no other, 32 bytes */
  hash: Bytes;
}

/** What one end brings along besides its keys. */
export interface Own {
  prologue: Uint8Array;
  ephemeral: KeyPair;
  payload: Uint8Array;
}

async function begin(prologue: Uint8Array, responderKey: Uint8Array): Promise<SymmetricState> {
  const state = new SymmetricState(PROTOCOL);
  await state.mixHash(prologue);
  await state.mixHash(responderKey);
  return state;
}

export async function initiate({ prologue, ephemeral, payload, responderKey }: Own & { responderKey: Bytes }) {
  const state = await begin(prologue, responderKey);
  await state.mixHash(ephemeral.publicKey);
  await state.mixKey(await agree(ephemeral.privateKey, responderKey));
  const message = concat(ephemeral.publicKey, await state.encryptAndHash(payload));
  const finish = async (reply: Uint8Array): Promise<{ keys: SessionKeys; payload: Uint8Array }> => {
    const theirs = reply.slice(0, PUBLIC_KEY_BYTES);
    await state.mixHash(theirs);
    await state.mixKey(await agree(ephemeral.privateKey, theirs));
    const theirPayload = await state.decryptAndHash(reply.subarray(PUBLIC_KEY_BYTES));
    const [send, receive] = await state.split();
    return { keys: { send, receive, hash: state.hash }, payload: theirPayload };
  };
  return { message, finish };
}

export async function respond({ prologue, ephemeral, payload, staticKey, message }: Own & { staticKey: KeyPair; message: Uint8Array }) {
  const state = await begin(prologue, staticKey.publicKey);
  const theirs = message.slice(0, PUBLIC_KEY_BYTES);
  await state.mixHash(theirs);
  await state.mixKey(await agree(staticKey.privateKey, theirs));
  const theirPayload = await state.decryptAndHash(message.subarray(PUBLIC_KEY_BYTES));
  await state.mixHash(ephemeral.publicKey);
  await state.mixKey(await agree(ephemeral.privateKey, theirs));
  const reply = concat(ephemeral.publicKey, await state.encryptAndHash(payload));
  const [receive, send] = await state.split();
  return { reply, keys: { send, receive, hash: state.hash } satisfies SessionKeys, payload: theirPayload };
}
