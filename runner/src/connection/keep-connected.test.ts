import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { backoffDelay } from './backoff.ts';
import { keepConnected } from './keep-connected.ts';
import type { SocketEvents } from './socket.ts';

/** A connection whose sockets the test holds in its hand. */
function connect(refusal: string | null = null) {
  const clock = new FakeClock();
  const sockets: { events: SocketEvents; sent: unknown[]; closed: number | null }[] = [];
  const told: string[] = [];
  const connection = keepConnected({
    path: '/path',
    clock,
    refusal: async () => refusal,
    dial: (_path, events) => {
      const socket: (typeof sockets)[number] = { events, sent: [], closed: null };
      sockets.push(socket);
      return { buffered: 0, send: (message) => socket.sent.push(message), close: (code) => (socket.closed = code) };
    },
    opened: () => told.push('opened'),
    text: (message) => told.push(message),
    binary: () => told.push('binary'),
    lost: (why, retryIn) => told.push(`lost: ${why}, ${retryIn}`),
    refused: (why, code) => told.push(`refused: ${why}, ${code}`),
  });
  const last = () => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('not dialled');
    return socket;
  };
  return { clock, sockets, told, connection, last };
}
/** lets what was promised come true */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a kept connection', () => {
  it('waits a quarter of a second to 30 s between dials, half of it by chance', () => {
    expect([0, 1, 2, 5, 50].map((attempt) => backoffDelay(attempt, 0.999_999_9)).map(Math.round)).toEqual([250, 500, 1000, 8000, 30_000]);
    expect([0, 1, 50].map((attempt) => backoffDelay(attempt, 0))).toEqual([125, 250, 15_000]);
  });

  it('redials after a cut, and begins small again once it was well', async () => {
    const { clock, sockets, told, connection, last } = connect();
    for (const delay of [187.5, 375, 750]) {
      last().events.opened();
      last().events.closed(1006, '');
      await settle();
      expect(told.at(-1)).toBe(`lost: closed with 1006, ${delay}`);
      clock.pass(delay);
    }
    expect(sockets).toHaveLength(4);
    connection.settled();
    last().events.closed(1001, 'restart');
    await settle();
    expect(told.at(-1)).toBe('lost: no connection, 187.5');
  });

  it('pings every 20 s and gives up a socket that does not answer within 10 s', () => {
    const { clock, sockets, told, last } = connect();
    last().events.opened();
    clock.pass(20_000);
    expect(last().sent).toEqual(['ping']);
    last().events.text('pong');
    clock.pass(20_000);
    expect(last().sent).toEqual(['ping', 'ping']);
    clock.pass(9_999);
    expect(told).toEqual(['opened']);
    clock.pass(1);
    expect(told.at(-1)).toBe('lost: no answer to a ping, 187.5');
    sockets[0]?.events.text('too late');
    expect(told).not.toContain('too late');
    clock.pass(750);
    expect(sockets).toHaveLength(2);
  });

  it('gives up a dial that nobody answers', () => {
    const { clock, told } = connect();
    clock.pass(20_000);
    expect(told).toEqual(['lost: no answer to the dial, 187.5']);
  });

  it('does not dial again where that can not help: by close code, or refused at the door', async () => {
    const closed = connect();
    closed.last().events.opened();
    closed.last().events.closed(4409, 'a newer connection took over');
    expect(closed.told.at(-1)).toBe('refused: a newer connection took over (4409), 4409');
    const refused = connect('Sign in first: unknown runner');
    refused.last().events.closed(1006, '');
    await settle();
    expect(refused.told).toEqual(['refused: Sign in first: unknown runner, null']);
    for (const { clock, sockets } of [closed, refused]) {
      clock.pass(3_600_000);
      expect(sockets).toHaveLength(1);
    }
  });

  it('is silent once stopped', async () => {
    const { clock, sockets, told, connection, last } = connect();
    last().events.opened();
    connection.stop();
    last().events.closed(1006, '');
    await settle();
    clock.pass(3_600_000);
    expect(told).toEqual(['opened']);
    expect(sockets).toHaveLength(1);
  });
});
