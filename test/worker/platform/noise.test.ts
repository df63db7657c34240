import { describe, expect, test } from 'vitest';
import { answerHandshake, HandshakeFailed, prologueOf, startHandshake } from '../../../core/protocol/noise.ts';
import { generateKeyPair } from '../../../core/protocol/noise-state.ts';
import { fromHex, play, SMALL_ORDER, vectors } from '../../support/noise.ts';

const prologue = prologueOf('wsp_1', 1);

describe('E1 the handshake in workerd', () => {
  test.each(vectors)('is what $set publishes', async (vector) => {
    const { messages, hashes } = await play(vector);
    expect(messages).toEqual(vector.messages);
    if (vector.handshake_hash !== undefined) expect(hashes[0]).toBe(vector.handshake_hash);
  });

  test('agrees on keys with an ephemeral key of the platform', async () => {
    const staticKey = await generateKeyPair();
    const initiator = await startHandshake({ prologue, responderKey: staticKey.publicKey });
    const { reply, keys } = await answerHandshake({ prologue, staticKey, message: initiator.message });
    expect(await initiator.finish(reply)).toEqual({ send: keys.receive, receive: keys.send, hash: keys.hash });
  });

  test.each(SMALL_ORDER)('E11 refuses a key of small order: %s', async (point) => {
    await expect(startHandshake({ prologue, responderKey: fromHex(point) })).rejects.toThrow(HandshakeFailed);
  });
});
