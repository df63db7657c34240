// @vitest-environment node
import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { settle } from '../testing/manual-clock.ts';

describe('opening', () => {
  it('O1, O2, O4: dials with the ticket and greets the runner with grant and client id after the welcome', async () => {
    const bench = new Bench();
    await bench.dial();
    expect(bench.runner.link.ticket).toBe('ticket-1');
    expect(bench.runner.link.frames).toEqual([]);
    bench.runner.link.greet();
    const [hello, ...more] = bench.runner.link.frames;
    expect(more).toEqual([]);
    expect(hello).toMatchObject({ type: 'hello', viewer: 7, stream: 0 });
    expect(decodeJson(hello?.payload ?? new Uint8Array())).toEqual({ grant: 'grant-1', clientId: 'client-of-this-tab' });
    expect(bench.state).toMatchObject({ kind: 'connected', runner: { sandbox: 'bubblewrap' } });
  });

  it('O4: sends a grant once, however often it is welcomed', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.greet();
    expect(bench.runner.link.frames.filter(({ type }) => type === 'hello')).toHaveLength(1);
    expect(bench.hellos).toHaveLength(1);
  });

  it('gives up on a socket that is silent for 10 s and dials with a new ticket', async () => {
    const bench = new Bench();
    await bench.dial();
    bench.clock.advance(10_000);
    expect(bench.runner.link.closed?.code).toBe(CLOSE_CODES.slow.code);
    bench.clock.advance(3_000);
    await settle();
    expect(bench.runner.links.map(({ ticket }) => ticket)).toEqual(['ticket-1', 'ticket-2']);
  });

  it('tells who is here', async () => {
    const bench = new Bench();
    await bench.connect();
    const viewers = [{ viewer: 7, userId: 'usr_1', userName: 'Priya', connectionId: 'con_1' }];
    bench.runner.link.send('control', 0, 0, { kind: 'presence', viewers });
    expect(bench.people).toEqual(viewers);
  });

  it('waits while the workspace is not ready, and looks again gently', async () => {
    const bench = new Bench();
    const waiting = { kind: 'waiting', reason: 'starting', detail: 'Cloning', percent: 40 } as const;
    bench.outcomes = [waiting, waiting];
    await bench.dial();
    expect(bench.state).toEqual({ kind: 'waiting', waiting: { reason: 'starting', detail: 'Cloning', percent: 40 } });
    bench.clock.advance(1_999);
    await settle();
    expect(bench.attached).toBe(1);
    bench.clock.advance(1);
    await settle();
    expect(bench.attached).toBe(2);
    bench.clock.advance(2_400);
    await settle();
    bench.runner.link.greet();
    expect(bench.state.kind).toBe('connected');
  });
});

describe('after a close', () => {
  const retried = Object.values(CLOSE_CODES).filter(({ retry }) => retry);
  const final = Object.values(CLOSE_CODES).filter(({ retry }) => !retry);

  it.each([1006, 1001, ...retried.map(({ code }) => code)])('%i: dials again by itself, with a fresh attachment', async (code) => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.cut(code);
    expect(bench.state).toMatchObject({ kind: 'reconnecting', retryAt: bench.clock.now() + 1_500 });
    bench.clock.advance(1_500);
    await settle();
    bench.runner.link.greet();
    expect(bench.attached).toBe(2);
    expect(bench.state.kind).toBe('connected');
  });

  it.each(final.map(({ code }) => code))('%i: ends, says why, and dials no more', async (code) => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.cut(code);
    expect(bench.state).toMatchObject({ kind: 'ended' });
    expect(bench.clock.planned).toEqual([]);
    bench.clock.advance(60_000);
    await settle();
    expect(bench.attached).toBe(1);
  });

  it('waits up to 3 s first, longer with each failure, and never more than 15 s', async () => {
    const bench = new Bench();
    bench.random = 0.999999;
    await bench.connect();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      bench.runner.link.cut();
      if (bench.state.kind === 'reconnecting') waits.push((bench.state.retryAt ?? 0) - bench.clock.now());
      bench.clock.advance(15_000);
      await settle();
    }
    expect(waits).toEqual([3_000, 6_000, 12_000, 15_000, 15_000, 15_000]);
  });

  it('says since when it is away, through all attempts', async () => {
    const bench = new Bench();
    await bench.connect();
    const since = bench.clock.now();
    bench.outcomes = [
      { kind: 'unreachable', detail: '', retryAfter: null },
      { kind: 'unreachable', detail: '', retryAfter: null },
    ];
    bench.runner.link.cut();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      bench.clock.advance(15_000);
      await settle();
      expect(bench.state).toMatchObject({ kind: 'reconnecting', since });
    }
  });

  it('respects Retry-After', async () => {
    const bench = new Bench();
    bench.outcomes = [{ kind: 'unreachable', detail: '', retryAfter: 30 }];
    await bench.dial();
    expect(bench.clock.planned).toEqual([30_000]);
  });

  it('dials at once when the network comes back', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.cut();
    bench.connection.nudge();
    await settle();
    expect(bench.attached).toBe(2);
    expect(bench.clock.planned).toEqual([10_000]);
  });

  it('hears nothing that a socket says after it was given up', async () => {
    const bench = new Bench();
    await bench.connect();
    const old = bench.runner.link;
    old.cut();
    const before = bench.states.length;
    old.greet();
    old.cut(CLOSE_CODES.revoked.code);
    expect(bench.states).toHaveLength(before);
  });

  it('starts again on demand after an end', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.cut(CLOSE_CODES.stopped.code);
    await bench.connect();
    expect(bench.state.kind).toBe('connected');
  });

  it('leaves no timer and no socket behind when stopped', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.connection.stop();
    expect(bench.runner.link.closed).toEqual({ code: 1000, reason: 'left' });
    expect(bench.clock.planned).toEqual([]);
  });
});

describe('while connected', () => {
  it('F6: asks every 20 s whether anybody is there, and knows how far away', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.clock.advance(1_000);
    expect(bench.runner.link.texts).toEqual(['ping']);
    bench.clock.advance(14);
    bench.runner.link.text('pong');
    expect(bench.latencies).toEqual([14]);
    bench.clock.advance(20_000);
    expect(bench.runner.link.texts).toEqual(['ping', 'ping']);
  });

  it('dials again when no pong comes within 10 s', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.clock.advance(11_000);
    expect(bench.state.kind).toBe('reconnecting');
    expect(bench.runner.link.closed?.code).toBe(CLOSE_CODES.slow.code);
  });

  it('F4: a broken frame closes the socket with 4400 and ends', async () => {
    const bench = new Bench();
    await bench.connect();
    bench.runner.link.raw(new Uint8Array(16).fill(255));
    expect(bench.runner.link.closed?.code).toBe(4400);
    expect(bench.state).toMatchObject({ kind: 'ended', ended: { why: 'broken' } });
  });

  it('rejects calls that a cut leaves without answer, and those made while away', async () => {
    const bench = new Bench();
    await bench.connect();
    const waiting = bench.connection.call({ method: 'pty.list' });
    bench.runner.link.cut();
    await expect(waiting).rejects.toMatchObject({ code: 'disconnected' });
    await expect(bench.connection.call({ method: 'pty.list' })).rejects.toMatchObject({ code: 'disconnected' });
  });
});
