import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { answerHandshake, HandshakeFailed, importResponderKey, prologueOf, startHandshake } from '../../../core/protocol/noise.ts';
import { initiate, respond } from '../../../core/protocol/noise-nk.ts';
import { generateKeyPair } from '../../../core/protocol/noise-state.ts';
import { fromHex, play, SMALL_ORDER, toHex, vectors } from '../../support/noise.ts';

const prologue = prologueOf('wsp_1', 7);

/** A handshake up to its last step. */
async function shakeHands() {
  const staticKey = await generateKeyPair();
  const initiator = await startHandshake({ prologue, responderKey: staticKey.publicKey });
  const answer = await answerHandshake({ prologue, staticKey, message: initiator.message });
  return { staticKey, initiator, ...answer };
}

/** The highest bit, which X25519 itself ignores in a public key. */
const flipped = (bytes: Uint8Array, index: number) => bytes.map((byte, at) => (at === index ? byte ^ 0x80 : byte));
const failed = new HandshakeFailed();

describe('E1 Noise_NK_25519_AESGCM_SHA256', () => {
  test.each(vectors)('is what $set publishes', async (vector) => {
    const { messages, hashes } = await play(vector);
    expect(messages).toEqual(vector.messages);
    expect(hashes[0]).toBe(hashes[1]);
    if (vector.handshake_hash !== undefined) expect(hashes[0]).toBe(vector.handshake_hash);
  });

  test('is not done by a vector with another hash or message', async () => {
    const [vector] = vectors;
    if (vector === undefined) return expect.fail('no vector');
    await expect(play({ ...vector, resp_prologue: '00' })).rejects.toThrow();
  });
});

describe('E3 a handshake', () => {
  test('is two messages of 48 bytes, after which both ends hold the same keys and hash', async () => {
    const { initiator, reply, keys } = await shakeHands();
    expect([initiator.message.byteLength, reply.byteLength]).toEqual([48, 48]);
    const { send, receive, hash } = await initiator.finish(reply);
    expect({ send: receive, receive: send, hash }).toEqual(keys);
    expect(new Set([send, receive, hash].map(toHex)).size).toBe(3);
    expect([send, receive, hash].map((bytes) => bytes.byteLength)).toEqual([32, 32, 32]);
  });

  test('makes other keys each time, also from the same first message', async () => {
    const { staticKey, initiator, reply } = await shakeHands();
    const replayed = await answerHandshake({ prologue, staticKey, message: initiator.message });
    const { hash, send } = await initiator.finish(reply);
    expect(toHex(replayed.keys.hash)).not.toBe(toHex(hash));
    expect(toHex(replayed.keys.receive)).not.toBe(toHex(send));
  });

  test('fails when any byte of the first message is changed', async () => {
    const { staticKey, initiator } = await shakeHands();
    for (const index of initiator.message.keys()) {
      await expect(answerHandshake({ prologue, staticKey, message: flipped(initiator.message, index) })).rejects.toEqual(failed);
    }
  });

  test('fails when any byte of the reply is changed, and takes no other reply then', async () => {
    for (let index = 0; index < 48; index++) {
      const { initiator, reply } = await shakeHands();
      await expect(initiator.finish(flipped(reply, index))).rejects.toEqual(failed);
      await expect(initiator.finish(reply)).rejects.toEqual(failed);
    }
  });

  test.each([0, 31, 32, 47, 49, 96])('fails with a message of %i bytes', async (length) => {
    const { staticKey, initiator, reply } = await shakeHands();
    const resized = (bytes: Uint8Array) => Uint8Array.from({ length }, (_, index) => bytes[index] ?? 0);
    await expect(answerHandshake({ prologue, staticKey, message: resized(initiator.message) })).rejects.toEqual(failed);
    await expect(initiator.finish(resized(reply))).rejects.toEqual(failed);
  });

  test('fails when a payload comes along, though it is genuine', async () => {
    const { staticKey, initiator } = await shakeHands();
    const own = async () => ({ prologue, ephemeral: await generateKeyPair(), payload: Uint8Array.of(1) });
    const { message } = await initiate({ ...(await own()), responderKey: staticKey.publicKey });
    await expect(answerHandshake({ prologue, staticKey, message })).rejects.toEqual(failed);
    const { reply } = await respond({ ...(await own()), staticKey, message: initiator.message });
    await expect(initiator.finish(reply)).rejects.toEqual(failed);
  });

  test('fails with another runner than the one whose key the browser knows', async () => {
    const { initiator } = await shakeHands();
    const impostor = await generateKeyPair();
    await expect(answerHandshake({ prologue, staticKey: impostor, message: initiator.message })).rejects.toEqual(failed);
  });

  test('fails when the reply is of another handshake', async () => {
    const [ours, theirs] = [await shakeHands(), await shakeHands()];
    await expect(ours.initiator.finish(theirs.reply)).rejects.toEqual(failed);
  });
});

describe('E4 the prologue', () => {
  test('is version, workspace and viewer', () => {
    expect(toHex(prologueOf('wsp_1', 0x0102))).toBe(`${toHex(new TextEncoder().encode('gatehouse.v1\0wsp_1\0'))}0102`);
  });

  test.each([
    ['workspace', prologueOf('wsp_2', 7)],
    ['viewer', prologueOf('wsp_1', 8)],
  ])('keeps out a handshake meant for another %s', async (_what, other) => {
    const { staticKey, initiator } = await shakeHands();
    await expect(answerHandshake({ prologue: other, staticKey, message: initiator.message })).rejects.toEqual(failed);
  });
});

describe('E11 a key of small order', () => {
  test.each(SMALL_ORDER)('is refused by both ends: %s', async (point) => {
    const { staticKey, initiator, reply } = await shakeHands();
    const weak = fromHex(point);
    await expect(startHandshake({ prologue, responderKey: weak })).rejects.toEqual(failed);
    const withWeak = (message: Uint8Array) => Uint8Array.of(...weak, ...message.subarray(32));
    await expect(answerHandshake({ prologue, staticKey, message: withWeak(initiator.message) })).rejects.toEqual(failed);
    await expect(initiator.finish(withWeak(reply))).rejects.toEqual(failed);
  });
});

describe('the runner’s agreement key', () => {
  test('comes from the JWK of its KeyObject, and its private half can’t be read back', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const staticKey = await importResponderKey(privateKey.export({ format: 'jwk' }));
    expect(Buffer.from(staticKey.publicKey).toString('base64url')).toBe(publicKey.export({ format: 'jwk' }).x);
    expect(staticKey.privateKey.extractable).toBe(false);
    const { message } = await startHandshake({ prologue, responderKey: staticKey.publicKey });
    await expect(answerHandshake({ prologue, staticKey, message })).resolves.toMatchObject({ keys: {} });
  });

  test('is refused when it is of another kind or only the public half', async () => {
    const jwks = [
      generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
      generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }),
      {},
      null,
    ];
    for (const jwk of jwks) await expect(importResponderKey(jwk)).rejects.toThrow('Not a private X25519 key');
  });
});
