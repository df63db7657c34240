import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { decodeJson, HEADER_BYTES, MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';
import type { OutFrame } from '@gatehouse/core/protocol/outbox.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { RemoteFiles } from '../files/remote-files.ts';
import { Bench } from '../testing/connected.ts';
import type { FakeLink } from '../testing/fake-runner.ts';

const ENTRY = { name: 'a', kind: 'file', size: 3, modified: 0 };
let bench: Bench;
let link: FakeLink;
let files: RemoteFiles;

beforeEach(async () => {
  bench = new Bench();
  await bench.connect();
  link = bench.runner.link;
  files = new RemoteFiles(bench.connection);
});

describe('streams', () => {
  it('S1: are odd and grow', () => {
    void files.stat('');
    void files.stat('src');
    expect(link.opened('files.stat').map(({ stream }) => stream)).toEqual([1, 3]);
  });

  it('S1: begin anew with each connection', async () => {
    void files.stat('').catch(() => undefined);
    await bench.reconnect();
    void files.stat('');
    expect(bench.runner.link.opened('files.stat').map(({ stream }) => stream)).toEqual([1]);
  });

  it('S2: answer with what the head says, parsed by the method', async () => {
    const found = files.stat('');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e' });
    await expect(found).resolves.toMatchObject({ entry: { name: 'a' } });
  });

  it.each(['data', 'message', 'fin'] as const)('S2: %s before the head resets the stream', async (type) => {
    const read = files.read('a');
    link.send(type, 1, 0, type === 'message' ? {} : new Uint8Array(0));
    await expect(read).rejects.toMatchObject({ code: 'invalid' });
    expect(link.of(1, 'reset')).toHaveLength(1);
  });

  it('S2: a second head resets the stream', async () => {
    const read = files.read('a');
    for (let time = 0; time < 2; time += 1) link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: false });
    await expect(read).rejects.toMatchObject({ code: 'invalid' });
  });

  it('reject with code and words of a refusal', async () => {
    const listed = files.list('x');
    link.send('head', 1, 0, { ok: false, code: 'not-found', message: 'Nothing is there' });
    await expect(listed).rejects.toMatchObject({ code: 'not-found', message: 'Nothing is there' });
  });

  it('a head that is not what the contract says breaks the connection, not the page', async () => {
    const found = files.stat('');
    link.send('head', 1, 0, { ok: true, entry: 'many' });
    await expect(found).rejects.toMatchObject({ code: 'disconnected' });
    expect(link.closed?.code).toBe(4400);
  });

  it.each([
    ['gap', 4],
    ['overlap', 2],
  ])('S3: a %s in the bytes resets the stream', async (_name, offset) => {
    const read = files.read('a');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: false });
    link.send('data', 1, 0, new Uint8Array(3));
    link.send('data', 1, offset, new Uint8Array(3));
    await expect(read).rejects.toMatchObject({ code: 'invalid' });
    expect(link.of(1, 'reset')).toHaveLength(1);
  });

  it('S4: a reset says why', async () => {
    const read = files.read('a');
    link.send('reset', 1, 0, { code: 'too-large', message: 'No' });
    await expect(read).rejects.toMatchObject({ code: 'too-large', message: 'No' });
  });

  it('S4: fin ends one direction only', async () => {
    const seen: string[] = [];
    const events = {
      head: () => seen.push('head'),
      finished: () => seen.push('fin'),
      ended: ({ code }: { code: string }) => seen.push(code),
    };
    const stream = bench.connection.open({ method: 'files.watch', path: '' }, events);
    link.send('head', 1, 0, { ok: true });
    link.send('fin', 1, 0);
    stream?.message('still here');
    expect([seen, link.of(1, 'message').length]).toEqual([['head', 'fin'], 1]);
    link.send('data', 1, 0, new Uint8Array(1));
    expect(seen).toEqual(['head', 'fin', 'invalid']);
  });

  it('S5: messages keep their place among the data', () => {
    const seen: string[] = [];
    const data = (bytes: Uint8Array) => seen.push(`${bytes.byteLength} bytes`);
    const message = (body: unknown) => seen.push(String(body));
    bench.connection.open({ method: 'files.read', path: 'a' }, { head: () => undefined, data, message, ended: () => undefined });
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: false });
    link.send('data', 1, 0, new Uint8Array(2));
    link.send('message', 1, 0, 'between');
    link.send('data', 1, 2, new Uint8Array(3));
    expect(seen).toEqual(['2 bytes', 'between', '3 bytes']);
  });

  it('S6: drops frames of streams that are over', async () => {
    const found = files.stat('');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e' });
    await found;
    for (const type of ['data', 'ack', 'message', 'fin'] as const) link.send(type, 1, 0, new Uint8Array(3));
    link.send('head', 99, 0, { rubbish: true });
    expect(bench.state.kind).toBe('connected');
    expect(link.of(1, 'reset')).toEqual([]);
  });
});

describe('flow', () => {
  it('W1: acknowledges a second after the first byte that was taken, cumulatively', async () => {
    const read = files.read('a');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: false });
    link.send('data', 1, 0, new Uint8Array(100));
    bench.clock.advance(900);
    link.send('data', 1, 100, new Uint8Array(50));
    expect(link.of(1, 'ack')).toEqual([]);
    bench.clock.advance(100);
    expect(link.of(1, 'ack').map(({ offset }) => offset)).toEqual([150]);
    link.send('fin', 1, 0);
    await expect(read).resolves.toMatchObject({ etag: 'e' });
  });

  it('W1: acknowledges at once after 64 KiB, so 1 MiB costs at most 16 acknowledgements', () => {
    void files.read('a').catch(() => undefined);
    link.send('head', 1, 0, { ok: true, entry: { ...ENTRY, size: 1 << 20 }, etag: 'e', binary: false });
    for (let at = 0; at < 1 << 20; at += 4096) link.send('data', 1, at, new Uint8Array(4096));
    const acks = link.of(1, 'ack').map(({ offset }) => offset);
    expect(acks).toEqual(Array.from({ length: 16 }, (_, index) => (index + 1) * LIMITS.ackEvery));
  });

  it('an acknowledgement of what was never sent resets the stream', async () => {
    const written = files.write('a', new Uint8Array(10), 'e');
    link.send('ack', 1, 11);
    await expect(written).rejects.toMatchObject({ code: 'invalid' });
  });

  it('does not fetch what nobody can edit', async () => {
    const read = files.read('image.png');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: true });
    await expect(read).resolves.toMatchObject({ bytes: null, why: 'binary' });
    expect(decodeJson(link.of(1, 'reset')[0]?.payload ?? new Uint8Array())).toMatchObject({ code: 'cancelled' });
  });
});

describe('uploads', () => {
  const MiB = 1024 * 1024;
  const sent = (stream: number) => link.of(stream, 'data').reduce((sum, { payload }) => sum + payload.byteLength, 0);
  /** The runner has dealt with all that came of a stream, a moment after it came. */
  const takeAll = (stream: number) => {
    bench.clock.advance(5);
    link.send('ack', stream, sent(stream));
  };

  it('W2: share one window with all other streams, headers and tags counted, and stop where nothing is acknowledged', () => {
    for (const path of ['a', 'b']) void files.write(path, new Uint8Array(4 * MiB), 'e').catch(() => undefined);
    bench.clock.advance(1_000);
    const weights = [1, 3].flatMap((stream) => link.of(stream, 'data')).map(({ payload }) => payload.byteLength + HEADER_BYTES + TAG_BYTES);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(LIMITS.window);
    expect(Math.max(...weights)).toBeLessThanOrEqual(MAX_PAYLOAD + HEADER_BYTES + TAG_BYTES);
    expect(link.of(1, 'fin')).toEqual([]);
  });

  it('W4: take turns, and all of each arrives', () => {
    for (const path of ['a', 'b']) void files.write(path, new Uint8Array(4 * MiB), 'e').catch(() => undefined);
    for (let turn = 0; turn < 200; turn += 1) [1, 3].forEach(takeAll);
    expect([sent(1), sent(3)]).toEqual([4 * MiB, 4 * MiB]);
    const half = link.frames.filter(({ type }) => type === 'data').slice(0, 40);
    expect(half.filter(({ stream }) => stream === 3).length).toBeGreaterThan(10);
  });

  it('W4: a keystroke does not wait for them', () => {
    void files.write('a', new Uint8Array(4 * MiB), 'e').catch(() => undefined);
    bench.clock.advance(1_000);
    const before = link.frames.length;
    const keys: OutFrame[] = [{ type: 'data', offset: 0, payload: new Uint8Array(1) }];
    const stream = bench.connection.open({ method: 'files.watch', path: '' }, { head: () => undefined, ended: () => undefined });
    stream?.feed({ bulk: false, pending: 1, next: () => keys.shift() ?? null });
    expect(link.frames.slice(before).map(({ type }) => type)).toEqual(['open', 'data']);
  });

  it('wait while the socket itself is full', () => {
    link.buffered = MiB;
    void files.write('a', new Uint8Array(10), 'e').catch(() => undefined);
    expect(sent(1)).toBe(0);
    link.buffered = 0;
    bench.clock.advance(4);
    expect(sent(1)).toBe(10);
  });

  it('end with fin, tell how far they are, and answer with the head that comes behind', async () => {
    const progress: number[] = [];
    const written = files.write('a', new Uint8Array(3 * LIMITS.ackEvery), 'e', (bytes) => progress.push(bytes));
    for (let turn = 0; turn < 3; turn += 1) takeAll(1);
    expect(progress.at(-1)).toBe(3 * LIMITS.ackEvery);
    expect(link.of(1, 'fin')).toHaveLength(1);
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'new' });
    await expect(written).resolves.toMatchObject({ etag: 'new' });
  });

  it('of nothing are an end alone', () => {
    void files.write('a', new Uint8Array(0), null).catch(() => undefined);
    expect(link.frames.slice(1).map(({ type }) => type)).toEqual(['open', 'fin']);
  });
});

describe('lists of files', () => {
  it('come behind the head, in as many pieces as they need', async () => {
    const listed = files.list('');
    link.send('head', 1, 0, { ok: true, truncated: true });
    const text = new TextEncoder().encode(JSON.stringify([ENTRY, { ...ENTRY, name: 'é' }]));
    link.send('data', 1, 0, text.subarray(0, 20));
    link.send('data', 1, 20, text.subarray(20));
    link.send('fin', 1, 0);
    await expect(listed).resolves.toMatchObject({ entries: [{ name: 'a' }, { name: 'é' }], truncated: true });
  });

  it('W1: are acknowledged', async () => {
    const listed = files.list('');
    link.send('head', 1, 0, { ok: true, truncated: false });
    link.send('data', 1, 0, new TextEncoder().encode('[]'));
    link.send('fin', 1, 0);
    await listed;
    expect(link.of(1, 'ack').map(({ offset }) => offset)).toEqual([2]);
  });
});

it('P2: nothing is changed while somebody else drives, and no frame is wasted on it', async () => {
  files.refusal = () => 'Ines drives. You are watching.';
  const refused = { code: 'refused', message: 'Ines drives. You are watching.' };
  await expect(files.write('a', new Uint8Array(1), '*')).rejects.toMatchObject(refused);
  await expect(files.makeDirectory('a')).rejects.toMatchObject(refused);
  await expect(files.rename('a', 'b')).rejects.toMatchObject(refused);
  await expect(files.remove('a', false)).rejects.toMatchObject(refused);
  expect(link.frames.map(({ type }) => type)).toEqual(['hello']);
});
