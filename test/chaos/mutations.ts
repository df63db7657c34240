import { encodeFrame, encodeJson, FRAME_TYPES, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';

type Roll = (sides: number) => number;

const TYPES = Object.keys(FRAME_TYPES) as FrameType[];
const key = 'a-key-that-names-a-terminal';
const size = { cols: 80, rows: 24 };

/** What honest peers say, to be bent. Paths stay below one folder, so that the honest keep their files. */
const REQUESTS: readonly object[] = [
  { method: 'pty.open', key, ...size, cwd: 'fuzz', name: 'x' },
  { method: 'pty.attach', terminalId: 'none', from: 0, ...size },
  { method: 'pty.list' },
  { method: 'pty.rename', terminalId: 'none', name: 'y' },
  { method: 'pty.close', terminalId: 'none' },
  { method: 'drive.give', viewer: 1 },
  { method: 'drive.take' },
  { method: 'drive.ask', asks: true },
  { method: 'files.list', path: 'fuzz' },
  { method: 'files.stat', path: 'fuzz/a' },
  { method: 'files.read', path: 'fuzz/a' },
  { method: 'files.write', path: 'fuzz/a', etag: '*', size: 10 },
  { method: 'files.mkdir', path: 'fuzz' },
  { method: 'files.rename', from: 'fuzz/a', to: 'fuzz/b' },
  { method: 'files.delete', path: 'fuzz/b', recursive: true },
  { method: 'files.watch', path: 'fuzz' },
];
const MESSAGES: readonly object[] = [
  { kind: 'resize', ...size },
  { kind: 'state', bytes: 'AAAA' },
  { kind: 'exit', code: 0, signal: null },
  { kind: 'renamed', name: 'z' },
];
const CONTROLS: readonly object[] = [
  { kind: 'echo', nonce: 1 },
  { kind: 'admitted', viewer: 1 },
  { kind: 'refuse', viewer: 1, reason: 'no' },
  { kind: 'drives', viewer: 1 },
  { kind: 'proof', signature: 'x' },
  { kind: 'mark', nonce: 1 },
];
const ODDITIES: readonly unknown[] = [null, -1, 2 ** 53, 0.5, '', 'x'.repeat(5_000), '..', '\0', '\ud800', [], {}, true];

/** Frames as nobody should send them, from a seeded die. */
export class Mutations {
  readonly #roll: Roll;

  constructor(roll: Roll) {
    this.#roll = roll;
  }

  /** A frame of the grammar with nonsense in it. @param stream number of the newest stream of its sender */
  frame(stream: number, types: readonly FrameType[] = TYPES): Omit<Frame, 'sealed' | 'viewer'> {
    const type = this.pick(types);
    const streams = [stream, stream, Math.max(1, stream - 2 * this.#roll(20)), 0, 2 ** 32 - 1];
    const offsets = [0, 0, this.#roll(100_000), Number.MAX_SAFE_INTEGER];
    return { type, stream: this.pick(streams), offset: this.pick(offsets), payload: this.payload(type) };
  }

  payload(type: FrameType): Uint8Array {
    if (this.#roll(4) === 0) return this.bytes(this.pick([0, 1, 48, 300, 4_000, 64 * 1024]));
    const bodies = type === 'open' ? REQUESTS : type === 'control' ? CONTROLS : MESSAGES;
    return encodeJson(this.#bent(this.pick(bodies)));
  }

  /** A message that was changed on its way. */
  damaged(message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const at = this.#roll(message.byteLength);
    switch (this.#roll(4)) {
      case 0:
        return message.slice(0, at);
      case 1:
        return Uint8Array.from([...message.subarray(0, 100), ...this.bytes(1 + this.#roll(100))]);
      case 2:
        return this.bytes(this.#roll(200));
      default: {
        const changed = message.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << this.#roll(8));
        return changed;
      }
    }
  }

  /** A whole message in clear, addressed to some viewer. */
  message(types?: readonly FrameType[]): Uint8Array<ArrayBuffer> {
    const viewer = this.pick([0, 1, 2, this.#roll(20), 65_535]);
    return encodeFrame({ ...this.frame(this.#roll(10), types), viewer, sealed: this.#roll(2) === 0 });
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.#roll(256));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.#roll(items.length)] as T;
  }

  /** Half of them stay as they are: their time and place are odd enough. */
  #bent(body: object): object {
    const fields = Object.entries(body);
    const at = this.#roll(fields.length * 2);
    return Object.fromEntries(fields.map(([name, value], index) => [name, index === at ? this.pick(ODDITIES) : value]));
  }
}
