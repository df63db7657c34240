import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { settle } from '../testing/manual-clock.ts';

const unreachable = { kind: 'unreachable', detail: '', answered: true, retryAfter: null } as const;
let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.connect();
});

/** Long enough that the connection counts as a good one. */
const stand = () => {
  bench.clock.advance(1_000);
  bench.runner.link.text('pong');
  bench.clock.advance(4_000);
};

describe('after a cut', () => {
  const retried = Object.values(CLOSE_CODES).filter(({ retry }) => retry);
  const final = Object.values(CLOSE_CODES).filter(({ retry, code }) => !retry && code !== CLOSE_CODES.protocol.code);

  it.each([1006, 1001, ...retried.map(({ code }) => code)])('%i: O5 dials again by itself, with a fresh attachment', async (code) => {
    bench.runner.link.cut(code);
    await bench.redial();
    await bench.runner.link.greet();
    expect(bench.attached).toBe(2);
    expect(bench.runner.link.ticket).toBe('ticket-2');
    expect(bench.state.kind).toBe('connected');
  });

  it.each(final.map(({ code }) => code))('%i: ends, says why, and dials no more', async (code) => {
    bench.runner.link.cut(code);
    expect(bench.state).toMatchObject({ kind: 'ended' });
    expect(bench.clock.planned).toEqual([]);
    await bench.connect();
    expect(bench.state.kind).toBe('connected');
  });

  it('of a connection that was good, dials without waiting', async () => {
    stand();
    bench.runner.link.cut();
    expect(bench.wait).toBe(0);
  });

  it('waits a little at first, then longer, and never more than 15 s', async () => {
    stand();
    bench.outcomes = Array.from({ length: 11 }, () => unreachable);
    const waits: number[] = [];
    bench.runner.link.cut();
    for (let attempt = 0; attempt < 11; attempt += 1) {
      waits.push(bench.wait);
      bench.clock.advance(bench.wait);
      await settle();
    }
    expect(waits).toEqual([0, 100, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('of a connection that was short, dials without waiting too, thirty times a minute', async () => {
    const waits: number[] = [];
    for (let cut = 0; cut < 32; cut += 1) {
      bench.runner.link.cut();
      waits.push(bench.wait);
      await bench.redial();
      await bench.runner.link.greet();
    }
    expect(waits.slice(0, 30).every((wait) => wait === 0)).toBe(true);
    expect(waits.slice(30).every((wait) => wait > 0)).toBe(true);
  });

  it('spreads the attempts, so that many browsers do not come in one wave', async () => {
    bench.random = 0;
    bench.outcomes = [unreachable];
    bench.runner.link.cut();
    bench.clock.advance(bench.wait);
    await settle();
    expect(bench.wait).toBe(50);
  });

  it.each([1, 2, 3, 4, 5, 6])('asks for less than 60 attachments a minute when %i attempts fail before each good one', async (failures) => {
    bench.random = 0;
    const from = bench.clock.now();
    while (bench.clock.now() - from < 60_000) {
      stand();
      bench.outcomes = Array.from({ length: failures }, () => unreachable);
      bench.runner.link.cut();
      for (let attempt = 0; attempt < failures; attempt += 1) {
        bench.clock.advance(bench.wait);
        await settle();
      }
      await bench.redial();
      await bench.runner.link.greet();
    }
    expect(bench.attached).toBeLessThan(60);
  });

  it('says since when it is away, through all attempts', async () => {
    const since = bench.clock.now();
    bench.outcomes = [unreachable, unreachable];
    bench.runner.link.cut();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      bench.clock.advance(bench.wait);
      await settle();
      expect(bench.state).toMatchObject({ kind: 'reconnecting', since });
    }
  });

  describe('when nobody answers', () => {
    const unanswered = { ...unreachable, answered: false };
    /** Looks that find nobody, until one is due later than the next look would be. */
    const look = async (times: number) => {
      for (let count = 0; count < times; count += 1) {
        bench.clock.advance(15);
        await settle();
      }
    };

    beforeEach(async () => {
      stand();
      bench.there = false;
      bench.outcomes = [unanswered];
      bench.runner.link.cut();
      bench.clock.advance(bench.wait);
      await settle();
    });

    it('looks closely for the network, and asks to be let in once somebody is there', async () => {
      await look(40);
      expect([bench.looks, bench.attached]).toEqual([40, 2]);
      bench.there = true;
      await bench.dialling(() => bench.clock.advance(15));
      await bench.runner.link.greet();
      expect([bench.attached, bench.state.kind]).toEqual([3, 'connected']);
    });

    it('stops looking closely after three seconds', async () => {
      await look(200);
      expect(bench.looks).toBe(200);
      expect(bench.wait).toBeGreaterThan(0);
    });

    it('looks closely once in each outage, so that answers that get lost can’t make it ask without end', async () => {
      bench.there = true;
      bench.outcomes = [unanswered];
      await look(2);
      expect([bench.looks, bench.attached]).toEqual([1, 3]);
      expect(bench.wait).toBeGreaterThan(50);
    });

    it('dials at once when somebody does not want to wait', async () => {
      await look(3);
      await bench.dialling(() => bench.connection.nudge());
      await bench.runner.link.greet();
      await look(3);
      expect(bench.looks).toBe(3);
    });
  });

  it('respects Retry-After', async () => {
    bench.outcomes = [{ ...unreachable, retryAfter: 30 }];
    bench.runner.link.cut();
    bench.clock.advance(bench.wait);
    await settle();
    expect(bench.wait).toBe(30_000);
  });

  it('hears nothing that a socket says after it was given up', async () => {
    const [old] = bench.runner.links;
    await bench.reconnect();
    old?.cut(CLOSE_CODES.stopped.code);
    old?.say('control', { kind: 'rubbish' });
    expect(bench.state.kind).toBe('connected');
  });
});

describe('a network that goes and comes', () => {
  it('costs no attempts while it is known to be gone', async () => {
    bench.online = false;
    bench.runner.link.cut();
    expect(bench.state).toMatchObject({ kind: 'reconnecting', offline: true });
    expect(bench.wait).toBe(15_000);
    bench.clock.advance(14_999);
    await settle();
    expect(bench.attached).toBe(1);
  });

  it('is used in the moment in which it returns', async () => {
    bench.online = false;
    bench.runner.link.cut();
    bench.clock.advance(5_000);
    bench.online = true;
    const before = bench.clock.now();
    await bench.dialling(() => bench.connection.networkReturned());
    expect(bench.clock.now()).toBe(before);
    expect(bench.runner.links).toHaveLength(2);
  });

  it('makes an attempt that was begun without it start anew', async () => {
    bench.runner.link.cut();
    await bench.redial();
    const hanging = bench.runner.link;
    await bench.dialling(() => bench.connection.networkReturned());
    expect(hanging.closed?.code).toBe(1000);
    await bench.runner.link.greet();
    expect(bench.state.kind).toBe('connected');
  });

  it('is asked at once whether it still leads to the broker, and given 3 s', () => {
    stand();
    bench.connection.networkReturned();
    expect(bench.runner.link.texts).toEqual(['ping', 'ping']);
    bench.clock.advance(3_000);
    expect(bench.state.kind).toBe('reconnecting');
  });

  it('and a page that is looked at again dials at once, but once', async () => {
    bench.runner.link.cut();
    await bench.dialling(() => bench.connection.nudge());
    bench.connection.nudge();
    await settle();
    expect(bench.attached).toBe(2);
  });
});

describe('a machine that slept', () => {
  it('asks at once whether the connection survived', () => {
    stand();
    bench.clock.sleep(15_000);
    expect(bench.runner.link.texts).toEqual(['ping', 'ping']);
    bench.runner.link.text('pong');
    bench.clock.advance(3_000);
    expect(bench.state.kind).toBe('connected');
  });

  it('dials again 3 s later when it did not', () => {
    stand();
    bench.clock.sleep(15_000);
    bench.clock.advance(3_000);
    expect(bench.state.kind).toBe('reconnecting');
  });
});
