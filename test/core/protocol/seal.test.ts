import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { nonceOf } from '../../../core/protocol/aead.ts';
import { decodeFrame, encodeFrame, type Frame, HEADER_BYTES, MAX_MESSAGE, MAX_PAYLOAD } from '../../../core/protocol/frame.ts';
import { Opener, type PlainFrame, REKEY_EVERY, Sealer } from '../../../core/protocol/seal.ts';
import { webAead } from '../../../core/protocol/web-aead.ts';
import { scriptedAead, watched } from '../../support/aead.ts';

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const NOTHING = new Uint8Array(0);
const frame = (n: number): PlainFrame => ({ type: 'data', viewer: 3, stream: 5, offset: n, payload: Uint8Array.of(n, 1, 2, 3) });
const frames = (count: number) => Array.from({ length: count }, (_, n) => frame(n));
const never = () => expect.fail('it broke');

async function seal(plain: PlainFrame[], rekeyEvery?: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const messages: Uint8Array<ArrayBuffer>[] = [];
  const { make, settled } = watched(webAead);
  const sealer = new Sealer(key, make, (message) => messages.push(message), never, rekeyEvery);
  for (const each of plain) sealer.seal(each);
  await settled();
  return messages;
}

function isFrame(message: Uint8Array): boolean {
  try {
    return decodeFrame(message) instanceof Object;
  } catch {
    return false;
  }
}

/** Everything that comes of opening these messages, one straight after the other. */
async function open(messages: (Uint8Array | Frame)[], { rekeyEvery, with: by = key }: { rekeyEvery?: number; with?: typeof key } = {}) {
  const opened: PlainFrame[] = [];
  let broken = 0;
  const { make, settled } = watched(webAead);
  const opener = new Opener(
    by,
    make,
    (each) => opened.push(each),
    () => broken++,
    rekeyEvery,
  );
  for (const message of messages) opener.open(message instanceof Uint8Array ? decodeFrame(message) : message);
  await settled();
  return { opened, broken };
}

describe('E5 a sealed frame', () => {
  test('is opened as it was, the empty one and the largest too', async () => {
    const plain = [frame(0), { ...frame(1), payload: NOTHING }, { ...frame(2), payload: new Uint8Array(MAX_PAYLOAD).fill(7) }];
    const messages = await seal(plain);
    expect(messages.map((message) => message.byteLength)).toEqual([36, 32, MAX_MESSAGE]);
    expect(await open(messages)).toEqual({ opened: plain, broken: 0 });
  });

  test('shows its header and nothing of its payload', async () => {
    const [message = NOTHING] = await seal([{ ...frame(0), payload: new TextEncoder().encode('rm -rf / # secret') }]);
    const { payload, ...header } = decodeFrame(message);
    expect(header).toEqual({ type: 'data', sealed: true, viewer: 3, stream: 5, offset: 0 });
    expect(new TextDecoder().decode(payload)).not.toContain('secret');
  });

  test('is AES-256-GCM under the direction’s key, with the header as additional data', async () => {
    const [message = NOTHING] = await seal([frame(0)]);
    const secret = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: message.slice(0, HEADER_BYTES) };
    expect(new Uint8Array(await crypto.subtle.decrypt(algorithm, secret, message.slice(HEADER_BYTES)))).toEqual(frame(0).payload);
  });

  test('opens under no other key', async () => {
    expect(await open(await seal(frames(2)), { with: key.map((byte) => byte ^ 1) })).toEqual({ opened: [], broken: 1 });
  });
});

describe('E6 the nonce', () => {
  test('is 4 zero bytes and the count of the direction, big-endian', () => {
    expect(nonceOf(0x0102030405060708n)).toEqual(Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));
  });

  test('never repeats, also across keys', async () => {
    const { make, nonces, keys } = scriptedAead();
    const sealer = new Sealer(key, make, () => {}, never, 3);
    for (const each of frames(8)) sealer.seal(each);
    const rekeying = 2n ** 64n - 1n;
    expect(nonces).toEqual([0n, 1n, 2n, rekeying, 3n, 4n, 5n, rekeying, 6n, 7n]);
    expect(keys).toHaveLength(3);
  });

  const [a, b, c] = [0, 1, 2];
  test.each([
    ['dropped', [a, c], 1],
    ['repeated', [a, a, b], 1],
    ['replayed later', [a, b, c, a], 3],
    ['swapped', [b, a, c], 0],
  ])('a frame %s fails to open, and nothing after it is delivered', async (_what, order, delivered) => {
    const messages = await seal(frames(3));
    const received = order.map((index) => messages[index] ?? NOTHING);
    expect(await open(received)).toEqual({ opened: frames(delivered), broken: 1 });
  });
});

describe('E7 and E9 whatever is changed', () => {
  test('in header, ciphertext or tag, no bit of it passes', async () => {
    const [message = NOTHING, next = NOTHING] = await seal(frames(2));
    let refused = 0;
    for (let bit = 0; bit < message.byteLength * 8; bit++) {
      const changed = message.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      if (!isFrame(changed)) refused++;
      else expect(await open([changed, next]), `bit ${bit}`).toEqual({ opened: [], broken: 1 });
    }
    // The grammar (F2, F3) knows a few of the header's bits; everything else came to the opener.
    expect(refused).toBeLessThan(32);
  });

  test('in length breaks the connection', async () => {
    const [message = NOTHING] = await seal([{ ...frame(0), payload: NOTHING }]);
    for (let length = HEADER_BYTES; length < message.byteLength; length++) {
      expect(await open([message.subarray(0, length)]), `${length} bytes`).toEqual({ opened: [], broken: 1 });
    }
    expect(await open([Uint8Array.of(...message, 0)])).toEqual({ opened: [], broken: 1 });
  });

  test('a frame in clear breaks the connection: there is no downgrade', async () => {
    const [first = NOTHING, second = NOTHING] = await seal(frames(2));
    const clear = encodeFrame({ ...frame(1), sealed: false });
    expect(await open([first, clear, second])).toEqual({ opened: [frame(0)], broken: 1 });
  });
});

describe('E8 the key changes by count', () => {
  test('at both ends after the same frame', async () => {
    const messages = await seal(frames(11), 4);
    expect(await open(messages, { rekeyEvery: 4 })).toEqual({ opened: frames(11), broken: 0 });
    expect(await open(messages, { rekeyEvery: 5 })).toEqual({ opened: frames(4), broken: 1 });
    expect(await open(messages)).toEqual({ opened: frames(4), broken: 1 });
  });

  test('to the first 32 bytes of 32 zeros encrypted with the last nonce, and the count goes on', async () => {
    const messages = await seal(frames(5), 4);
    const block = new Uint8Array(48);
    await (await webAead(key)).seal(Uint8Array.of(0, 0, 0, 0, ...Array<number>(8).fill(0xff)), NOTHING, new Uint8Array(32), block);
    const next = await webAead(block.slice(0, 32));
    const message = messages[4] ?? NOTHING;
    const payload = await next.open(nonceOf(4n), message.slice(0, HEADER_BYTES), message.subarray(HEADER_BYTES));
    expect(payload).toEqual(frame(4).payload);
  });

  test('every 65,536 frames', () => {
    const { make, keys } = scriptedAead();
    const sealer = new Sealer(key, make, () => {}, never);
    for (let n = 0; n < REKEY_EVERY; n++) sealer.seal(frame(0));
    expect([REKEY_EVERY, keys.length]).toEqual([65536, 1]);
    sealer.seal(frame(0));
    expect(keys).toHaveLength(2);
  });
});

describe('order', () => {
  /** Gates that the test opens one by one, in whatever order. */
  function gates() {
    const waiting: { open: () => void; fail: () => void }[] = [];
    const gate = () => new Promise<void>((open, fail) => waiting.push({ open, fail: () => fail(new Error('not genuine')) }));
    return { waiting, gate };
  }
  const sealedFrames = (count: number) => frames(count).map((each): Frame => ({ ...each, sealed: true }));

  test('with a synchronous Aead a frame is delivered before the call returns', () => {
    const log: string[] = [];
    const { make } = scriptedAead();
    const opener = new Opener(key, make, ({ offset }) => log.push(`opened ${offset}`), never);
    const sealer = new Sealer(key, make, (message) => (log.push('sealed'), opener.open(decodeFrame(message))), never);
    for (const each of frames(2)) {
      sealer.seal(each);
      log.push('returned');
    }
    expect(log).toEqual(['sealed', 'opened 0', 'returned', 'sealed', 'opened 1', 'returned']);
  });

  test.each([
    ['the last first', [4, 3, 2, 1, 0], [0, 0, 0, 0, 5]],
    ['mixed', [2, 0, 3, 1, 4], [0, 1, 1, 4, 5]],
  ])('an Aead that answers %s is asked at once and delivers in order', async (_name, answers, delivered) => {
    const { waiting, gate } = gates();
    const offsets: number[] = [];
    const opener = new Opener(key, scriptedAead(gate).make, ({ offset }) => offsets.push(offset), never);
    for (const each of sealedFrames(5)) opener.open(each);
    expect(waiting).toHaveLength(5);
    const seen: number[] = [];
    for (const index of answers) {
      waiting[index]?.open();
      await setImmediate();
      seen.push(offsets.length);
    }
    expect(seen).toEqual(delivered);
    expect(offsets).toEqual([0, 1, 2, 3, 4]);
  });

  test('a frame that is ready waits for one that is not, also across a change of key', async () => {
    const { waiting, gate } = gates();
    const slowOnce = () => (waiting.length === 0 ? gate() : undefined);
    const sent: number[] = [];
    const sealer = new Sealer(key, scriptedAead(slowOnce).make, (message) => sent.push(decodeFrame(message).offset), never, 2);
    for (const each of frames(5)) sealer.seal(each);
    expect(sent).toEqual([]);
    waiting[0]?.open();
    await setImmediate();
    expect(sent).toEqual([0, 1, 2, 3, 4]);
    sealer.seal(frame(5));
    await setImmediate();
    expect(sent).toHaveLength(6);
  });

  test('E9 what was ready behind a failure is dropped, and `broken` is called once', async () => {
    const { waiting, gate } = gates();
    const log: (number | string)[] = [];
    const opener = new Opener(
      key,
      scriptedAead(gate).make,
      ({ offset }) => log.push(offset),
      () => log.push('broken'),
    );
    for (const each of sealedFrames(4)) opener.open(each);
    waiting[3]?.open();
    waiting[2]?.fail();
    waiting[1]?.fail();
    await setImmediate();
    expect(log).toEqual([]);
    waiting[0]?.open();
    await setImmediate();
    opener.open({ ...frame(4), sealed: true });
    expect(log).toEqual([0, 'broken']);
    expect(waiting).toHaveLength(4);
  });
});
