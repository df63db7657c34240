import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync, rmSync } from 'node:fs';
import { CastWriter } from '@gatehouse/core/protocol/asciicast.ts';
import {
  importRecordingKey,
  makeRecordingKey,
  openSlice,
  packEvents,
  readRecords,
  unpackEvents,
  type TapeEvent,
} from '@gatehouse/core/protocol/recording.ts';
import type { RunnerPolicy } from '@gatehouse/core/protocol/runner-policy.ts';
import { screenLines } from '@gatehouse/core/protocol/screen-text.ts';
import { describe, expect, it } from 'vitest';
import { mintFolder } from '../../test/support/mint.ts';
import { seededRoll } from '../../test/support/random-output.ts';
import { Gate } from './gate.ts';
import { Recorder } from './recorder.ts';
import { Spool, type SpooledRecording } from './spool.ts';
import { PolicedTape } from './terminal-tape.ts';
import { Uploader, type Put } from './uploader.ts';

const SIZE = { cols: 80, rows: 24 };
const TERMINAL = { workspaceId: 'wsp_1', terminalId: 'one', title: 'Terminal 1' };
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A runner's recorder on a folder, and the time by hand. */
async function setUp({ mode = 'required' as 'on' | 'required', most = undefined as number | undefined, root = mintFolder() } = {}) {
  const secret = await makeRecordingKey();
  const pair = await importRecordingKey(secret);
  let time = 1_000_000;
  const clock = { now: () => time, after: () => () => undefined, random: () => 0 };
  const policy: { now: RunnerPolicy | null } = { now: { recording: { mode, key: { id: 'rky_1', publicKey: secret.x } } } };
  const start = () => {
    const spool = new Spool(root, most);
    const recorder = new Recorder({ spool, clock, log: quiet, closed: () => undefined });
    return { spool, recorder, tape: new PolicedTape(recorder, TERMINAL, () => policy.now) };
  };
  const events = async (spool: Spool, recording: SpooledRecording): Promise<TapeEvent[]> => {
    const all: TapeEvent[] = [];
    for (let slice = 0; slice < recording.next; slice++)
      all.push(...(await openSlice(spool.read(recording, slice), { recordingId: recording.recordingId, slice }, pair)));
    return all;
  };
  return { start, events, policy, pair, clock, root, secret, pass: (ms: number) => (time += ms) };
}

const outputOf = (events: TapeEvent[]) => Buffer.concat(events.flatMap((event) => (event.kind === 'output' ? [event.bytes] : [])));
const only = (spool: Spool) => spool.recordings[0] ?? expect.fail('nothing is recorded');

describe('a recording', () => {
  it('holds, byte for byte, what was shown, however often the runner is killed in between', async () => {
    const { start, events, root } = await setUp();
    const roll = seededRoll(7);
    const shown: Uint8Array[] = [];
    let end = 0;
    for (let life = 0; life < 6; life++) {
      const { tape, spool } = start();
      if (life === 0) tape.begin(SIZE);
      expect(tape.recorded).toBe(life === 0 ? 0 : end);
      for (let piece = 0; piece < 40; piece++) {
        const bytes = Uint8Array.from({ length: 1 + roll(9000) }, () => roll(256));
        end += bytes.byteLength;
        expect(tape.output(bytes, end)).toEqual({ shown: true });
        shown.push(bytes);
      }
      // What comes again after a takeover is recorded once.
      const last = shown.at(-1) ?? new Uint8Array(0);
      tape.output(last, end);
      if (life < 5) continue;
      tape.end({ code: 0, signal: null });
      const all = await events(spool, only(spool));
      expect(outputOf(all)).toEqual(Buffer.concat(shown));
      expect(all.at(0)).toMatchObject({ kind: 'begin', ...SIZE });
      expect(all.at(-1)).toMatchObject({ kind: 'end', code: 0 });
      expect(unpackEvents(packEvents(all))).toEqual(all);
    }
    expect(root).not.toBe('');
  });

  it('is cut at its last whole record where a write was cut', async () => {
    const { start, events, root } = await setUp();
    const first = start();
    first.tape.begin(SIZE);
    first.tape.output(Buffer.from('whole'), 5);
    const { recordingId } = only(first.spool);
    const path = `${root}/${recordingId}/0.slice`;
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from([0, 0, 1, 0, 9])]));
    const { tape, spool } = start();
    expect(tape.recorded).toBe(5);
    tape.output(Buffer.from('whole again'), 11);
    tape.end({ code: 0, signal: null });
    expect(outputOf(await events(spool, only(spool))).toString()).toBe('whole again');
  });

  it('opens at its own address and with its own key only, and each slice names the one before', async () => {
    const { start, events, pair, pass } = await setUp();
    const { tape, spool, recorder } = start();
    tape.begin(SIZE);
    tape.output(Buffer.from('one'), 3);
    pass(20_000);
    recorder.review();
    tape.output(Buffer.from('two'), 6);
    tape.end({ code: 0, signal: null });
    const recording = only(spool);
    const { recordingId } = recording;
    expect(outputOf(await events(spool, recording)).toString()).toBe('onetwo');
    const [slice0, slice1] = [spool.read(recording, 0), spool.read(recording, 1)];
    expect(Buffer.from(readRecords(slice1).previous)).toEqual(createHash('sha256').update(slice0).digest());
    await expect(openSlice(slice0, { recordingId, slice: 1 }, pair)).rejects.toThrow('does not open');
    await expect(openSlice(slice0, { recordingId: 'rec_other', slice: 0 }, pair)).rejects.toThrow('does not open');
    const other = await importRecordingKey(await makeRecordingKey());
    await expect(openSlice(slice0, { recordingId, slice: 0 }, other)).rejects.toThrow('does not open');
    const altered = Uint8Array.from(slice0);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    await expect(openSlice(altered, { recordingId, slice: 0 }, pair)).rejects.toThrow('does not open');
    await expect(openSlice(slice0.subarray(0, slice0.length - 1), { recordingId, slice: 0 }, pair)).rejects.toThrow('not whole');
  });
});

describe('what can’t be recorded', () => {
  it('is not shown where recording is required, and is when it can be', async () => {
    const { start, root } = await setUp();
    const { tape, spool } = start();
    tape.begin(SIZE);
    rmSync(root, { recursive: true });
    // The open slice is written on; the next one has no folder to lie in.
    const big = new Uint8Array(60_000);
    expect(tape.output(big, 60_000)).toEqual({ shown: true });
    expect(tape.output(big, 120_000)).toEqual({ shown: true });
    expect(tape.output(Buffer.from('x'), 120_001)).toMatchObject({ shown: false, reason: expect.stringContaining('required') as unknown });
    expect(only(spool).next).toBe(1);
  });

  it('is not shown where too much waits for the service', async () => {
    const { start } = await setUp({ most: 1000 });
    const { tape } = start();
    expect(tape.begin(SIZE)).toEqual({ shown: true });
    expect(tape.output(new Uint8Array(900), 900)).toMatchObject({
      shown: false,
      reason: expect.stringContaining('wait for the service') as unknown,
    });
  });

  it('is shown where recording is only on, and the recording says so', async () => {
    const { start, events } = await setUp({ mode: 'on', most: 1200 });
    const { tape, spool } = start();
    tape.begin(SIZE);
    expect(tape.output(new Uint8Array(900), 900)).toEqual({ shown: true });
    expect(tape.output(Buffer.from('small'), 905)).toEqual({ shown: true });
    tape.end({ code: 0, signal: null });
    const all = await events(spool, only(spool));
    expect(all.map(({ kind }) => kind)).toContain('note');
    expect(outputOf(all).toString()).toBe('small');
  });

  it('is not shown before the policy is known', async () => {
    const { start, policy } = await setUp();
    policy.now = null;
    expect(start().tape.begin(SIZE)).toMatchObject({ shown: false });
    policy.now = {};
    const { tape, spool } = start();
    expect(tape.output(Buffer.from('free'), 4)).toEqual({ shown: true });
    expect(spool.recordings).toEqual([]);
  });
});

describe('the way to the service', () => {
  it('takes each slice in its turn, again until it is stored, and forgets it then', async () => {
    const { start, clock, pass } = await setUp();
    const { tape, spool, recorder } = start();
    tape.begin(SIZE);
    for (let slice = 1; slice <= 3; slice++) {
      tape.output(Buffer.from('abc'), slice * 3);
      pass(20_000);
      recorder.review();
    }
    tape.end({ code: 0, signal: null });
    const asked: string[] = [];
    let refusals = 2;
    const put: Put = (path) => {
      asked.push(path.replace(/rec_\w+/, 'rec'));
      return Promise.resolve(path.endsWith('/slices/1') && refusals-- > 0 ? 503 : 204);
    };
    const again: (() => void)[] = [];
    const uploader = new Uploader({ spool, put, clock: { ...clock, after: (_, call) => (again.push(call), () => undefined) }, log: quiet });
    uploader.wake();
    await uploader.settled();
    expect(spool.recordings).toMatchObject([{ stored: 1 }]);
    again.pop()?.();
    await uploader.settled();
    again.pop()?.();
    await uploader.settled();
    expect(spool.recordings).toEqual([]);
    const slices = asked.filter((path) => path.includes('slices'));
    expect(slices.map((path) => path.at(-1))).toEqual(['0', '1', '1', '1', '2', '3']);
    expect(asked.at(-1)).toBe('/runner/recordings/rec');
  });
});

describe('what was recorded', () => {
  const at = (time: number, text: string | Uint8Array): TapeEvent => ({
    time,
    kind: 'output',
    bytes: typeof text === 'string' ? Buffer.from(text) : text,
  });

  it('is written as asciicast v2, with sizes, and characters that were cut in two', () => {
    const euro = Buffer.from('€');
    const cast = new CastWriter();
    const text =
      cast.write([{ time: 5000, kind: 'begin', cols: 80, rows: 24, title: 'One' }, at(5500, euro.subarray(0, 1))]) +
      cast.write([
        at(6000, euro.subarray(1)),
        { time: 7000, kind: 'resize', cols: 100, rows: 30 },
        { time: 8000, kind: 'end', code: 1, signal: null },
      ]);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { version: 2, width: 80, height: 24, timestamp: 5, title: 'One' },
      [1, 'o', '€'],
      [2, 'r', '100x30'],
      [3, 'm', 'Ended with exit code 1'],
    ]);
  });

  it('is found by the text of its lines as the screen had them last', () => {
    const lines = screenLines([at(1, '\x1b[32m$ \x1b[0mgit pux\b'), at(2, 'sh\r\n10%\r100%\r\n\x1b]0;title\x07don'), at(3, 'e')]);
    expect(lines).toEqual([
      { time: 2, text: '$ git push' },
      { time: 2, text: '100%' },
      { time: 3, text: 'done' },
    ]);
  });
});

describe('the gate of a terminal (SPEC T7)', () => {
  it('holds output in order until it is recorded, and says why', () => {
    let full = true;
    const again: (() => void)[] = [];
    const said: (string | null)[] = [];
    const shown: number[] = [];
    const gate = new Gate((reason) => said.push(reason), { after: (_, call) => (again.push(call), () => undefined) });
    const pass = (step: number) =>
      gate.pass(
        () => (full ? { shown: false, reason: 'full' } : { shown: true }),
        () => shown.push(step),
      );
    pass(1);
    pass(2);
    again.pop()?.();
    expect([shown, said, gate.reason]).toEqual([[], ['full'], 'full']);
    full = false;
    pass(3);
    expect(shown).toEqual([]);
    again.pop()?.();
    expect([shown, said, gate.reason]).toEqual([[1, 2, 3], ['full', null], null]);
  });
});
