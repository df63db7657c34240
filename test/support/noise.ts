import { encode } from 'jose/base64url';
import { nonceOf, TAG_BYTES } from '../../core/protocol/aead.ts';
import { importResponderKey } from '../../core/protocol/noise.ts';
import { initiate, respond, type SessionKeys } from '../../core/protocol/noise-nk.ts';
import type { KeyPair } from '../../core/protocol/noise-state.ts';
import { webAead } from '../../core/protocol/web-aead.ts';
import noise from '../vectors/noise-nk-25519-aesgcm-sha256.json' with { type: 'json' };

export const vectors = noise.vectors;
type Vector = (typeof vectors)[number];

export const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const pairOf = (privateKey: string, publicKey: string): Promise<KeyPair> =>
  importResponderKey({ kty: 'OKP', crv: 'X25519', d: encode(fromHex(privateKey)), x: encode(fromHex(publicKey)) });

/** Plays a published session between two ends of ours. The vectors leave out the ephemeral public keys, but each message starts with one. */
export async function play(vector: Vector) {
  const [first, second, ...rest] = vector.messages;
  if (first === undefined || second === undefined) throw new Error('The vector has no handshake');
  const publicKeyIn = (message: string) => message.slice(0, 64);
  const initiator = await initiate({
    prologue: fromHex(vector.init_prologue),
    responderKey: fromHex(vector.init_remote_static),
    ephemeral: await pairOf(vector.init_ephemeral, publicKeyIn(first.ciphertext)),
    payload: fromHex(first.payload),
  });
  const responder = await respond({
    prologue: fromHex(vector.resp_prologue),
    staticKey: await pairOf(vector.resp_static, vector.init_remote_static),
    ephemeral: await pairOf(vector.resp_ephemeral, publicKeyIn(second.ciphertext)),
    message: initiator.message,
    payload: fromHex(second.payload),
  });
  const { keys, payload } = await initiator.finish(responder.reply);
  const transport = await Promise.all(rest.map((message, index) => send(keys, responder.keys, index, fromHex(message.payload))));
  return {
    hashes: [toHex(keys.hash), toHex(responder.keys.hash)],
    messages: [
      { payload: toHex(responder.payload), ciphertext: toHex(initiator.message) },
      { payload: toHex(payload), ciphertext: toHex(responder.reply) },
      ...transport,
    ],
  };
}

/** The transport messages alternate, so each direction's count grows with every second one. */
async function send(initiator: SessionKeys, responder: SessionKeys, index: number, plain: Uint8Array) {
  const [from, to] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
  const nonce = nonceOf(BigInt(Math.floor(index / 2)));
  const sealed = new Uint8Array(plain.byteLength + TAG_BYTES);
  await (await webAead(from.send)).seal(nonce, new Uint8Array(0), plain, sealed);
  const opened = await (await webAead(to.receive)).open(nonce, new Uint8Array(0), sealed);
  return { payload: toHex(opened), ciphertext: toHex(sealed) };
}

/** Points of small order on Curve25519, and their other spellings: with each, every secret agreed is zero. */
export const SMALL_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];
