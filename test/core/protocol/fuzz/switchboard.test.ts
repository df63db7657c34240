import { expect } from 'vitest';
import type { CloseName } from '@gatehouse/core/protocol/close.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame } from '@gatehouse/core/protocol/frame.ts';
import { held } from '@gatehouse/core/protocol/meter.ts';
import { Switchboard, type Seat } from '@gatehouse/core/protocol/switchboard.ts';
import { Chance } from '../../../support/chance.ts';
import { FRAMES, fuzz, SEED } from './fuzz.ts';
import { mutateFrame, mutateMessage } from './mutate.ts';

/** What the platform lets a socket remember, in bytes. */
const MOST_ATTACHED = 16 * 1024;

class Socket {
  closed: CloseName | null = null;
  seat: Seat | null = null;
  received: Uint8Array[] = [];
}

/** A board with the runner's link, an honest viewer and hostile ones. */
class Rig {
  readonly chance = new Chance(SEED);
  readonly board: Switchboard<Socket>;
  link = new Socket();
  honest = new Socket();
  hostile: Socket[] = [];
  closes = 0;
  #viewers = 0;

  constructor() {
    this.board = new Switchboard<Socket>({
      keep: (socket, seat) => (socket.seat = structuredClone(seat)),
      send: (socket, message) => socket.received.push(message.slice()),
      close: (socket, name) => {
        socket.closed ??= name;
        this.closes += 1;
      },
      prove: (socket) => this.board.close(socket, 'unauthenticated'),
      told: () => undefined,
      ended: () => undefined,
      now: () => 0,
      nonce: () => this.chance.between(0, 2 ** 32 - 1),
    });
    this.restore();
  }

  /** Whoever was closed comes again. */
  restore(): void {
    if (this.link.closed !== null || this.link.seat === null) this.board.linkUp((this.link = new Socket()));
    if (this.honest.closed !== null || this.honest.seat === null) this.honest = this.#join();
    this.hostile = Array.from({ length: 3 }, (_, index) => {
      const there = this.hostile[index];
      return there === undefined || there.closed !== null ? this.#join() : there;
    });
  }

  /** An honest end echoes the marks that it has read. */
  read(socket: Socket): Uint8Array[] {
    const messages = socket.received.splice(0);
    for (const message of messages) {
      const { type, payload } = decodeFrame(message);
      const said = type === 'control' ? (decodeJson(payload) as { kind: string; nonce: number }) : null;
      if (said?.kind === 'mark') this.board.receive(socket, encodeControl({ kind: 'echo', nonce: said.nonce }));
    }
    return messages;
  }

  #join(): Socket {
    const socket = new Socket();
    do this.#viewers = (this.#viewers % 65_535) + 1;
    while (this.board.viewers.includes(this.#viewers));
    this.board.join(socket, this.#viewers);
    return socket;
  }
}

const ping = (viewer: number) => encodeFrame({ type: 'data', sealed: true, viewer, stream: 1, offset: 0, payload: new Uint8Array(1) });

function expectBounded({ seat }: Socket): void {
  if (seat === null) return;
  expect(seat.streams.length).toBeLessThanOrEqual(LIMITS.streams + 1);
  expect(held(seat.meter)).toBeLessThanOrEqual(LIMITS.heldByWorkspace + LIMITS.payload);
}

fuzz('K2 to K4, F4, F5: broken frames of hostile viewers cost them and nobody else', () => {
  const rig = new Rig();
  const { board, chance } = rig;
  let most = 0;
  for (let count = 0; count < FRAMES; count++) {
    const from = chance.pick(rig.hostile);
    board.receive(from, chance.oneIn(3) ? mutateMessage(chance) : encodeFrame(mutateFrame(chance)));
    most = Math.max(most, from.seat === null ? 0 : JSON.stringify(from.seat).length);
    expectBounded(from);
    rig.read(rig.link);
    board.receive(rig.honest, ping(0));
    expect(rig.read(rig.link).map((message) => decodeFrame(message).viewer)).toContain(rig.honest.seat?.viewer);
    expect([rig.link.closed, rig.honest.closed]).toEqual([null, null]);
    rig.restore();
  }
  expect(board.viewers).toHaveLength(4);
  expect(rig.closes).toBeGreaterThan(FRAMES / 100);
  expect(most).toBeLessThan(MOST_ATTACHED);
});

fuzz('K2, K4, O5: broken frames of a hostile runner close its link, or the viewers that it fills, and nothing fails', () => {
  const rig = new Rig();
  const { board, chance } = rig;
  for (let count = 0; count < FRAMES; count++) {
    const frame = mutateFrame(chance);
    if (chance.oneIn(2)) frame.viewer = chance.pick(board.viewers);
    board.receive(rig.link, chance.oneIn(20) ? mutateMessage(chance) : encodeFrame(frame));
    for (const socket of [rig.link, rig.honest, ...rig.hostile]) expectBounded(socket);
    // the hostile viewers stand for sockets that read nothing
    rig.read(rig.honest);
    expect(rig.honest.closed).not.toBe('slow');
    rig.restore();
    board.receive(rig.link, ping(rig.honest.seat?.viewer ?? 0));
    expect(rig.read(rig.honest).length).toBeGreaterThan(0);
  }
  expect(board.viewers).toHaveLength(4);
  expect(rig.closes).toBeGreaterThan(FRAMES / 100);
});
