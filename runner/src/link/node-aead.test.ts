import { nonceOf, type Aead, type MakeAead } from '@gatehouse/core/protocol/aead.ts';
import { decodeFrame } from '@gatehouse/core/protocol/frame.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { nodeAead } from './node-aead.ts';

const key = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const header = Uint8Array.from({ length: 16 }, (_, index) => index);
const frames = Array.from({ length: 9 }, (_, n): PlainFrame => ({
  ...{ type: 'data', viewer: 1, stream: 1, offset: n },
  payload: new Uint8Array(n * 100).fill(n),
}));
const never = () => expect.fail('it broke');

async function sealed(aead: Aead, plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const into = new Uint8Array(plain.byteLength + 16);
  await aead.seal(nonceOf(7n), header, plain, into);
  return into;
}

/** Seals frames of one direction by one Aead, opens them by another; the key changes every 4 frames. */
function pipe(sealing: MakeAead, opening: MakeAead) {
  const opened: PlainFrame[] = [];
  return new Promise<PlainFrame[]>((resolve, reject) => {
    const take = (frame: PlainFrame) => {
      opened.push({ ...frame, payload: Uint8Array.from(frame.payload) });
      if (opened.length === frames.length) resolve(opened);
    };
    const opener = new Opener(key, opening, take, () => reject(new Error('it broke')), 4);
    const sealer = new Sealer(key, sealing, (message) => opener.open(decodeFrame(message)), never, 4);
    for (const frame of frames) sealer.seal(frame);
  });
}

describe('E5 AES-256-GCM by node:crypto', () => {
  it.each([0, 1, 16, 64, 65_536])('seals %i bytes to what WebCrypto seals them to, and each opens the other’s', async (length) => {
    const plain = Uint8Array.from({ length }, (_, index) => index);
    const [node, web] = [await nodeAead(key), await webAead(key)];
    const bytes = await sealed(node, plain);
    expect(bytes).toEqual(await sealed(web, plain));
    expect(Uint8Array.from(await node.open(nonceOf(7n), header, bytes))).toEqual(plain);
    expect(await web.open(nonceOf(7n), header, bytes)).toEqual(plain);
  });

  it('opens nothing that was changed, shortened or sealed for another place', async () => {
    const node = await nodeAead(key);
    const bytes = await sealed(node, Uint8Array.of(1, 2, 3));
    for (const index of bytes.keys()) {
      const changed = bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(() => node.open(nonceOf(7n), header, changed)).toThrow();
      expect(() => node.open(nonceOf(7n), header, bytes.subarray(0, index))).toThrow();
    }
    expect(() => node.open(nonceOf(8n), header, bytes)).toThrow();
    expect(() =>
      node.open(
        nonceOf(7n),
        header.map((byte) => byte + 1),
        bytes,
      ),
    ).toThrow();
  });

  it.each([
    ['node:crypto', nodeAead],
    ['WebCrypto', webAead],
  ])('keeps working when the bytes of its key are wiped: %s', async (_name, make) => {
    const wiped = key.slice();
    const made = make(wiped);
    wiped.fill(0);
    expect(await sealed(await made, header)).toEqual(await sealed(await webAead(key), header));
  });
});

describe('a cipher that was made ahead', () => {
  it('seals and opens as one that was not, whatever nonce comes, and each time anew', async () => {
    const [sealing, opening, web] = [await nodeAead(key), await nodeAead(key), await webAead(key)];
    const plain = Uint8Array.of(1, 2, 3);
    for (const count of [0n, 1n, 2n, 2n, 9n, 3n, 4n, 2n ** 64n - 1n, 0n]) {
      const bytes = new Uint8Array(plain.byteLength + 16);
      await sealing.seal(nonceOf(count), header, plain, bytes);
      expect(await web.open(nonceOf(count), header, bytes)).toEqual(plain);
      expect(Uint8Array.from(await opening.open(nonceOf(count), header, bytes))).toEqual(plain);
      await setImmediate();
    }
  });
});

describe('E8 a direction', () => {
  it.each([
    ['runner to browser', nodeAead, webAead],
    ['browser to runner', webAead, nodeAead],
    ['runner to runner', nodeAead, nodeAead],
  ])('carries frames across changes of the key: %s', async (_name, sealing, opening) => {
    expect(await pipe(sealing, opening)).toEqual(frames);
  });

  it('delivers before the call returns at the runner, also where the key changes', () => {
    let opened = 0;
    const opener = new Opener(key, nodeAead, () => opened++, never, 4);
    const sealer = new Sealer(key, nodeAead, (message) => opener.open(decodeFrame(message)), never, 4);
    const counts = frames.map((frame) => (sealer.seal(frame), opened));
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('E9 breaks once, and delivers nothing more', async () => {
    const log: string[] = [];
    const opener = new Opener(
      key,
      nodeAead,
      () => log.push('opened'),
      () => log.push('broken'),
    );
    const sealer = new Sealer(key, nodeAead, (message) => opener.open({ ...decodeFrame(message), viewer: 2 }), never);
    for (const frame of frames) sealer.seal(frame);
    await setImmediate();
    expect(log).toEqual(['broken']);
  });
});
