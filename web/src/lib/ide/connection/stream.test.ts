// @vitest-environment node
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson, MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';
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
    void files.list('');
    void files.list('src');
    expect(link.opened('files.list').map(({ stream }) => stream)).toEqual([1, 3]);
  });

  it('S2: answer with what the head says, parsed by the method', async () => {
    const listed = files.list('');
    link.send('head', 1, 0, { ok: true, entries: [ENTRY], truncated: false });
    await expect(listed).resolves.toMatchObject({ entries: [{ name: 'a' }] });
  });

  it('reject with code and words of a refusal', async () => {
    const listed = files.list('x');
    link.send('head', 1, 0, { ok: false, code: 'not-found', message: 'Nothing is there' });
    await expect(listed).rejects.toMatchObject({ code: 'not-found', message: 'Nothing is there' });
  });

  it('a head that is not what the contract says breaks the connection, not the page', async () => {
    const listed = files.list('');
    link.send('head', 1, 0, { ok: true, entries: 'many' });
    await expect(listed).rejects.toMatchObject({ code: 'disconnected' });
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

  it('S6: drops frames of streams that are over', () => {
    void files.list('').catch(() => undefined);
    link.send('head', 1, 0, { ok: true, entries: [], truncated: false });
    link.send('data', 1, 0, new Uint8Array(3));
    link.send('head', 99, 0, { rubbish: true });
    expect(bench.state.kind).toBe('connected');
  });
});

describe('flow', () => {
  it('W1: acknowledges 250 ms after the first byte that was taken, cumulatively', async () => {
    const read = files.read('a');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: false });
    link.send('data', 1, 0, new Uint8Array(100));
    bench.clock.advance(200);
    link.send('data', 1, 100, new Uint8Array(50));
    expect(link.of(1, 'ack')).toEqual([]);
    bench.clock.advance(50);
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

  it('keeps at most 1 MiB sent and not acknowledged, in frames of at most 64 KiB, and ends with fin', async () => {
    const size = (2 << 20) + 5;
    const written = files.write('a', new Uint8Array(size).fill(1), 'e');
    const bytes = () => link.of(1, 'data').reduce((sum, { payload }) => sum + payload.byteLength, 0);
    expect(bytes()).toBe(LIMITS.driverWindow);
    link.send('ack', 1, LIMITS.driverWindow);
    expect(bytes()).toBe(2 * LIMITS.driverWindow);
    expect(link.of(1, 'fin')).toEqual([]);
    link.send('ack', 1, 2 * LIMITS.driverWindow);
    expect(bytes()).toBe(size);
    expect(link.of(1, 'fin')).toHaveLength(1);
    expect(Math.max(...link.of(1, 'data').map(({ payload }) => payload.byteLength))).toBe(MAX_PAYLOAD);
    expect(link.of(1, 'data').map(({ offset }) => offset)).toEqual(Array.from({ length: 33 }, (_, index) => index * MAX_PAYLOAD));
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'new' });
    await expect(written).resolves.toMatchObject({ etag: 'new' });
  });

  it('does not fetch what nobody can edit', async () => {
    const read = files.read('image.png');
    link.send('head', 1, 0, { ok: true, entry: ENTRY, etag: 'e', binary: true });
    await expect(read).resolves.toMatchObject({ bytes: null, why: 'binary' });
    expect(decodeJson(link.of(1, 'reset')[0]?.payload ?? new Uint8Array())).toMatchObject({ code: 'cancelled' });
  });
});
