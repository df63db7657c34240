import { describe, expect, test } from 'vitest';
import type { CloseName } from '@gatehouse/core/protocol/close.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { held } from '@gatehouse/core/protocol/meter.ts';
import { Switchboard, type Seat, type Verdict } from '@gatehouse/core/protocol/switchboard.ts';

const KIB = 1024;
/** A full frame on the wire. */
const FULL = LIMITS.payload + 16;

/** A socket of the broker, and what its peer has read of it. */
class Socket {
  readonly name: string;
  /** messages given to the socket that its peer has not read */
  unread: Uint8Array[] = [];
  closed: CloseName | null = null;
  seat: Seat | null = null;
  writes = 0;

  constructor(name: string) {
    this.name = name;
  }

  read(): Frame[] {
    return this.unread.splice(0).map((message) => decodeFrame(message));
  }

  /** the control messages among what is unread */
  controls(): unknown[] {
    return this.read().flatMap((frame) => (frame.type === 'control' ? [decodeJson(frame.payload)] : []));
  }
}

const frame = (part: Partial<Frame>): Uint8Array<ArrayBuffer> =>
  encodeFrame({ type: 'data', sealed: true, viewer: 0, stream: 1, offset: 0, payload: new Uint8Array(), ...part });
const full = (viewer: number) => frame({ viewer, payload: new Uint8Array(LIMITS.payload) });

class Rig {
  now = 1_000_000;
  readonly told: Verdict[] = [];
  readonly proofs: string[] = [];
  readonly ended: Array<{ viewer: number; reason: string }> = [];
  board = this.#make();
  #nonce = 0;

  #make(): Switchboard<Socket> {
    return new Switchboard<Socket>({
      keep: (socket, seat) => {
        socket.writes++;
        socket.seat = structuredClone(seat);
      },
      send: (socket, message) => socket.unread.push(message.slice()),
      close: (socket, name) => (socket.closed ??= name),
      prove: (_socket, signature) => this.proofs.push(signature),
      told: (verdict) => this.told.push(verdict),
      ended: ({ viewer }, reason) => this.ended.push({ viewer, reason }),
      now: () => this.now,
      nonce: () => (this.#nonce = (this.#nonce * 1103515245 + 12345) % 2 ** 31),
    });
  }

  link(): Socket {
    const socket = new Socket('link');
    this.board.linkUp(socket);
    socket.unread = [];
    return socket;
  }

  viewer(number: number): Socket {
    const socket = new Socket(`viewer ${number}`);
    this.board.join(socket, number);
    socket.unread = [];
    return socket;
  }

  /** The program ends and begins again with what was written down. */
  wake(...sockets: Socket[]): void {
    this.board = this.#make();
    for (const socket of sockets) if (socket.seat && socket.closed === null) this.board.restore(socket, structuredClone(socket.seat));
  }

  /** The peer reads all that is there and echoes as SPEC K2 says. @returns what it read */
  honest(socket: Socket): Frame[] {
    const frames = socket.read();
    for (const each of frames) {
      const said = each.type === 'control' ? (decodeJson(each.payload) as { kind: string; nonce: number }) : null;
      if (said?.kind === 'mark') this.board.receive(socket, encodeControl({ kind: 'echo', nonce: said.nonce }));
    }
    return frames;
  }
}

function start() {
  const rig = new Rig();
  const link = rig.link();
  const [one, two] = [rig.viewer(1), rig.viewer(2)];
  link.unread = [];
  return { rig, link, one, two };
}

const nonces = (socket: Socket) => socket.controls().flatMap((said) => ((said as { kind: string }).kind === 'mark' ? [said] : []));

describe('moving frames', () => {
  test('F5: a viewer’s frame reaches the runner with the number that the broker gave it, and unchanged else', () => {
    const { rig, link, two } = start();
    rig.board.receive(two, frame({ viewer: 999, stream: 7, offset: 5, payload: new Uint8Array([1, 2, 3]) }));
    expect(link.read()).toEqual([{ type: 'data', sealed: true, viewer: 2, stream: 7, offset: 5, payload: new Uint8Array([1, 2, 3]) }]);
  });

  test('F5: a runner’s frame reaches the viewer that it names and no other; one for nobody reaches nobody', () => {
    const { rig, link, one, two } = start();
    rig.board.receive(link, frame({ viewer: 2, payload: new Uint8Array([9]) }));
    for (const viewer of [0, 77, 65_535]) rig.board.receive(link, frame({ viewer }));
    expect(two.read()).toMatchObject([{ viewer: 2, payload: new Uint8Array([9]) }]);
    expect([one.unread, link.unread, link.closed]).toEqual([[], [], null]);
  });

  test.each([
    ['too short', new Uint8Array(15)],
    ['a type that is none', new Uint8Array(16).fill(10, 0, 1)],
    ['flags that are none', new Uint8Array(16).fill(2, 1, 2)],
    ['more than a frame may carry', frame({ payload: new Uint8Array(LIMITS.payload + 17) })],
  ])('F4: %s costs the socket it came from and no other', (_what, message) => {
    const { rig, link, one, two } = start();
    rig.board.receive(one, message);
    expect([one.closed, two.closed, link.closed]).toEqual(['protocol', null, null]);
    expect(link.controls()).toEqual([{ kind: 'left', viewer: 1 }]);
  });

  test('K6: a frame writes down the seat of each socket that it changes once', () => {
    const { rig, link, one, two } = start();
    const before = [link.writes, one.writes, two.writes];
    rig.board.receive(one, full(0));
    expect([link.writes, one.writes, two.writes].map((now, at) => now - (before[at] ?? 0))).toEqual([1, 1, 0]);
    rig.board.receive(link, full(2));
    expect([link.writes, one.writes, two.writes].map((now, at) => now - (before[at] ?? 0))).toEqual([1, 1, 1]);
  });
});

describe('coming and going', () => {
  test('O2: the first that a viewer gets is its number; the runner hears of it', () => {
    const rig = new Rig();
    const link = rig.link();
    const socket = new Socket('viewer');
    rig.board.join(socket, 12);
    expect(socket.controls()).toEqual([{ kind: 'welcome', viewer: 12 }]);
    expect(link.controls()).toEqual([{ kind: 'joined', viewer: 12 }]);
  });

  test.each([
    ['a frame', frame({ viewer: 1 })],
    ['a verdict', encodeControl({ kind: 'admitted', viewer: 1 })],
    ['an echo', encodeControl({ kind: 'echo', nonce: 1 })],
    ['words that are none', encodeControl({ kind: 'hello' })],
  ])('O3: a link that is not proved has %s to say: it is closed, and nothing passes', (_what, message) => {
    const { rig, link, one } = start();
    const stranger = new Socket('stranger');
    rig.board.receive(stranger, message);
    expect([stranger.closed, link.closed, one.closed, one.unread, rig.told]).toEqual(['unauthenticated', null, null, [], []]);
  });

  test('O3: its proof is handed on; a proved link has no more to prove', () => {
    const { rig, link } = start();
    const stranger = new Socket('stranger');
    rig.board.receive(stranger, encodeControl({ kind: 'proof', signature: 'abc' }));
    expect([rig.proofs, stranger.closed]).toEqual([['abc'], null]);
    rig.board.receive(link, encodeControl({ kind: 'proof', signature: 'abc' }));
    expect(link.closed).toBe('protocol');
  });

  test('O5: with the link go all viewers, and what they still send goes nowhere', () => {
    const { rig, link, one, two } = start();
    rig.board.left(link, 'closed with 1006');
    expect([one.closed, two.closed, rig.board.linked, rig.board.viewers]).toEqual(['runnerAway', 'runnerAway', false, []]);
    expect(rig.ended).toEqual([1, 2].map((viewer) => ({ viewer, reason: 'the runner is away' })));
  });

  test('O5: a newer link takes over from the older one', () => {
    const { rig, link, one } = start();
    const newer = rig.link();
    expect([link.closed, one.closed, newer.closed, rig.board.linked]).toEqual(['replaced', 'runnerAway', null, true]);
    rig.board.left(link, 'closed with 4409');
    expect(rig.board.linked).toBe(true);
  });

  test('P6: what the runner says of a viewer is told while that is here; one that it refuses is closed', () => {
    const { rig, link, one, two } = start();
    const said: Verdict[] = [
      { kind: 'admitted', viewer: 1 },
      { kind: 'drives', viewer: 1 },
      { kind: 'refuse', viewer: 2, reason: 'the grant was used' },
    ];
    for (const each of [...said, { kind: 'admitted', viewer: 2 }, { kind: 'drives', viewer: 3 }])
      rig.board.receive(link, encodeControl(each));
    expect(rig.told).toEqual(said);
    expect([one.closed, two.closed]).toEqual([null, 'protocol']);
  });

  test('a viewer has nothing to say to the broker but its echo', () => {
    const { rig, link, one } = start();
    rig.board.receive(one, encodeControl({ kind: 'refuse', viewer: 2, reason: 'x' }));
    expect([one.closed, rig.told, link.closed]).toEqual(['protocol', [], null]);
  });
});

describe('K2: marks and echoes', () => {
  test('a mark follows each 64 KiB that a socket was given, and no sooner', () => {
    const { rig, link, one } = start();
    rig.board.receive(link, frame({ viewer: 1, payload: new Uint8Array(64 * KIB - 17) }));
    expect(nonces(one)).toEqual([]);
    rig.board.receive(link, frame({ viewer: 1 }));
    expect(nonces(one)).toHaveLength(1);
    for (let index = 0; index < 3; index++) rig.board.receive(link, full(1));
    expect(nonces(one)).toHaveLength(3);
  });

  test('peers that read and echo go on for ever, both ways', () => {
    const { rig, link, one } = start();
    for (let index = 0; index < 200; index++) {
      rig.board.receive(link, full(1));
      rig.board.receive(one, full(0));
      rig.honest(one);
      rig.honest(link);
    }
    expect([one.closed, link.closed]).toEqual([null, null]);
    expect(one.seat).toMatchObject({ received: 200 * FULL, taken: 200 * FULL, meter: { sent: 200 * FULL, marks: [] } });
  });

  test.each([['a viewer'], ['the runner']])('an echo that %s was not asked for closes its socket', (who) => {
    const { rig, link, one } = start();
    const liar = who === 'a viewer' ? one : link;
    rig.board.receive(liar, encodeControl({ kind: 'echo', nonce: 4 }));
    expect(liar.closed).toBe('protocol');
  });

  test('so does one out of order, and the same one again', () => {
    const { rig, link, one, two } = start();
    for (let index = 0; index < 2; index++) for (const viewer of [1, 2]) rig.board.receive(link, full(viewer));
    const [, second] = nonces(one) as Array<{ nonce: number }>;
    rig.board.receive(one, encodeControl({ kind: 'echo', nonce: second?.nonce }));
    expect(one.closed).toBe('protocol');
    const [first] = nonces(two) as Array<{ nonce: number }>;
    for (let index = 0; index < 2; index++) rig.board.receive(two, encodeControl({ kind: 'echo', nonce: first?.nonce }));
    expect(two.closed).toBe('protocol');
    expect(link.closed).toBeNull();
  });

  test('the runner’s link is marked after each 64 KiB of one viewer, too', () => {
    const { rig, link, one, two } = start();
    const half = () => frame({ payload: new Uint8Array(33 * KIB) });
    rig.board.receive(one, half());
    rig.board.receive(two, half());
    expect(nonces(link)).toHaveLength(1);
    rig.board.receive(one, half());
    expect(nonces(link)).toHaveLength(1);
    expect(one.seat).toMatchObject({ received: one.seat?.marked, taken: 0 });
  });

  test('the echo of what a viewer sent that has left is still awaited', () => {
    const { rig, link, one } = start();
    rig.board.receive(one, full(0));
    rig.board.left(one, 'closed with 1001');
    rig.honest(link);
    expect([link.closed, link.seat?.meter.marks]).toEqual([null, []]);
  });
});

describe('K3: streams', () => {
  const open = (rig: Rig, viewer: Socket, count: number) => {
    for (let index = 0; index < count; index++) rig.board.receive(viewer, frame({ type: 'open', stream: 2 * index + 1 }));
  };

  test('a viewer has 256 open; one more closes it', () => {
    const { rig, one, two, link } = start();
    open(rig, one, LIMITS.streams);
    expect(one.closed).toBeNull();
    rig.board.receive(one, frame({ type: 'open', stream: 1001 }));
    expect([one.closed, two.closed, link.closed]).toEqual(['protocol', null, null]);
  });

  test('a stream is over by the runner’s fin and by anybody’s reset, not by the viewer’s fin', () => {
    const { rig, one, link } = start();
    open(rig, one, LIMITS.streams);
    rig.board.receive(link, frame({ type: 'fin', viewer: 1, stream: 1 }));
    rig.board.receive(link, frame({ type: 'reset', viewer: 1, stream: 3 }));
    rig.board.receive(one, frame({ type: 'reset', stream: 5 }));
    rig.board.receive(one, frame({ type: 'fin', stream: 7 }));
    for (const stream of [1001, 1003, 1005]) rig.board.receive(one, frame({ type: 'open', stream }));
    expect([one.closed, one.seat?.streams.length]).toEqual([null, LIMITS.streams]);
    rig.board.receive(one, frame({ type: 'open', stream: 1007 }));
    expect(one.closed).toBe('protocol');
  });
});

describe('K4: what may be held', () => {
  const until = (closed: Socket, step: () => void) => {
    let steps = 0;
    for (; closed.closed === null && steps < 100; steps++) step();
    return steps;
  };

  test('a viewer that never echoes is closed beyond 1,280 KiB, and only it', () => {
    const { rig, link, one, two } = start();
    const steps = until(one, () => rig.board.receive(link, full(1)));
    expect([steps * FULL > LIMITS.heldBySocket, (steps - 1) * FULL <= LIMITS.heldBySocket]).toEqual([true, true]);
    expect([one.closed, two.closed, link.closed]).toEqual(['slow', null, null]);
  });

  test('a viewer that sends what the runner can’t read yet is closed, and neither the link nor another viewer', () => {
    const { rig, link, one, two } = start();
    rig.board.receive(two, frame({ payload: new Uint8Array(100) }));
    const steps = until(one, () => rig.board.receive(one, full(0)));
    expect([steps * FULL > LIMITS.heldBySocket, (steps - 1) * FULL <= LIMITS.heldBySocket]).toEqual([true, true]);
    expect([one.closed, two.closed, link.closed]).toEqual(['slow', null, null]);
  });

  test('an honest uploader keeps its place beside one that floods', () => {
    const { rig, link, one, two } = start();
    for (let index = 0; index < 12; index++) rig.board.receive(two, full(0));
    until(one, () => rig.board.receive(one, full(0)));
    rig.honest(link);
    for (let index = 0; index < 12; index++) rig.board.receive(two, full(0));
    expect([one.closed, two.closed, link.closed]).toEqual(['slow', null, null]);
  });

  test('more than 4 MiB over all sockets close those that hold most', () => {
    const { rig, link, one, two } = start();
    const [three, four] = [rig.viewer(3), rig.viewer(4)];
    const give = (viewer: number, frames: number) => {
      for (let index = 0; index < frames; index++) rig.board.receive(link, full(viewer));
    };
    give(1, 17);
    give(2, 19);
    give(3, 18);
    give(4, 9);
    expect([one, two, three, four].map(({ closed }) => closed)).toEqual([null, null, null, null]);
    give(4, 1);
    expect([one, two, three, four].map(({ closed }) => closed)).toEqual([null, 'slow', null, null]);
    give(4, 9);
    expect(rig.board.viewers).toEqual([1, 3, 4]);
  });

  test('a runner that reads nothing at all is closed when many send to it', () => {
    const { rig, link, one, two } = start();
    const all = [one, two, rig.viewer(3), rig.viewer(4)];
    for (let index = 0; index < 16; index++) for (const viewer of all) if (viewer.closed === null) rig.board.receive(viewer, full(0));
    expect([link.closed, ...all.map(({ closed }) => closed)]).toEqual(['slow', ...all.map(() => 'runnerAway')]);
  });

  test.each([1, 2, 3])('whoever reads, stalls or lies as chance has it, the broker holds no more (seed %i)', (seed) => {
    let state = seed;
    const chance = (below: number) => (state = (state * 48271) % 0x7fffffff) % below;
    const { rig, link } = start();
    for (const number of [3, 4, 5, 6]) rig.viewer(number);
    const bytes = (socket: Socket) => socket.unread.reduce((sum, message) => sum + message.byteLength, 0);
    let closed = 0;
    for (let step = 0; step < 600 && rig.board.linked; step++) {
      const number = 1 + chance(6);
      const viewer = rig.board.viewer(number) ?? rig.viewer(number);
      rig.board.receive(link, full(number));
      if (viewer.closed === null && chance(2) === 0) rig.board.receive(viewer, full(0));
      // Viewer 1 never reads; the others and the runner now and then.
      if (number > 1 && chance(4) === 0 && viewer.closed === null) rig.honest(viewer);
      if (chance(6) === 0) rig.honest(link);
      if (viewer.closed !== null) closed++;
      const open = rig.board.viewers.flatMap((each) => rig.board.viewer(each) ?? []);
      // Marks themselves are not counted, and take 64 bytes at most.
      const all = [link, ...open].reduce((sum, socket) => sum + bytes(socket), 0);
      expect(all).toBeLessThanOrEqual(LIMITS.heldByWorkspace + 128 * 64);
      for (const socket of open) expect(bytes(socket)).toBeLessThanOrEqual(LIMITS.heldBySocket + 64 * 64);
    }
    expect(closed).toBeGreaterThan(0);
  });
});

describe('K5: sockets that died silently', () => {
  test('whoever owes no echo is asked for one; whoever has owed one for 3 minutes is closed', () => {
    const { rig, link, one, two } = start();
    rig.board.sweep();
    expect([link, one, two].map((socket) => socket.seat?.meter.marks.length)).toEqual([1, 1, 1]);
    rig.honest(one);
    rig.honest(link);
    rig.now += LIMITS.echoWithin;
    rig.board.sweep();
    expect([link.closed, one.closed, two.closed]).toEqual([null, null, null]);
    rig.honest(one);
    rig.honest(link);
    rig.now += 1;
    rig.board.sweep();
    expect([link.closed, one.closed, two.closed]).toEqual([null, null, 'slow']);
  });

  test('a link that died takes its viewers along, to dial again', () => {
    const { rig, link, one } = start();
    rig.board.sweep();
    rig.honest(one);
    rig.now += LIMITS.echoWithin + 1;
    rig.board.sweep();
    expect([link.closed, one.closed]).toEqual(['slow', 'runnerAway']);
  });
});

describe('sleeping', () => {
  test('counts, marks, streams and routes go on from what was written down', () => {
    const { rig, link, one, two } = start();
    rig.board.receive(one, frame({ type: 'open', stream: 1 }));
    for (let index = 0; index < 19; index++) rig.board.receive(link, full(1));
    rig.board.receive(two, full(0));
    const kept = structuredClone([link.seat, one.seat, two.seat]);
    rig.wake(link, one, two);
    rig.honest(link);
    rig.board.receive(two, frame({}));
    expect(link.read()).toMatchObject([{ type: 'data', viewer: 2 }]);
    expect(one.seat).toEqual(kept[1]);
    expect(held((one.seat as Seat).meter)).toBe(19 * FULL);
    for (let index = 0; index < 2 && one.closed === null; index++) rig.board.receive(link, full(1));
    expect([one.closed, two.closed, two.seat?.taken]).toEqual(['slow', null, FULL]);
  });

  test('the seat of a socket that holds all it may fits into an attachment of 16 KiB', () => {
    const { rig, link, one } = start();
    for (let index = 0; index < LIMITS.streams; index++) rig.board.receive(one, frame({ type: 'open', stream: 0xffffffff - 2 * index }));
    for (let index = 0; index < 19; index++) rig.board.receive(link, full(1));
    expect(JSON.stringify(one.seat).length).toBeLessThan(16 * KIB);
    expect([one.closed, one.seat?.streams.length]).toEqual([null, LIMITS.streams]);
  });
});
