/**
 * A home as a stream: a folder, then what is in it by the bytes of its names, then that the folder ends. Names are bytes of one
 * step of a path, numbers big-endian.
 *
 * folder 1: name, mode (u16), time (u64 µs: as fine as it can be set again) — ends with 2
 * file 3: name, mode, time, size (u64), 1 when others link to it; then so many bytes
 * link 4: name, time, target — hard link 5: name, number of the file (u32), counted among those that others link to
 * name and target: length (u16) and bytes. The stream is over when its first folder is.
 */
export type Entry =
  | { kind: 'folder'; name: Buffer; mode: number; time: bigint }
  | { kind: 'end' }
  | { kind: 'file'; name: Buffer; mode: number; time: bigint; size: number; isShared: boolean }
  | { kind: 'link'; name: Buffer; time: bigint; target: Buffer }
  | { kind: 'hard-link'; name: Buffer; file: number };

const KINDS = { folder: 1, end: 2, file: 3, link: 4, 'hard-link': 5 } as const;

const u16 = (value: number) => {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number) => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: bigint) => {
  const bytes = Buffer.allocUnsafe(8);
  // What was changed before 1970 counts as changed in 1970.
  bytes.writeBigUInt64BE(value < 0n ? 0n : value);
  return bytes;
};
const text = (bytes: Buffer) => [u16(bytes.length), bytes];

export function encodeEntry(entry: Entry): Buffer {
  const kind = Buffer.from([KINDS[entry.kind]]);
  switch (entry.kind) {
    case 'folder':
      return Buffer.concat([kind, ...text(entry.name), u16(entry.mode), u64(entry.time)]);
    case 'end':
      return kind;
    case 'file':
      return Buffer.concat([
        ...[kind, ...text(entry.name), u16(entry.mode), u64(entry.time), u64(BigInt(entry.size))],
        Buffer.from([entry.isShared ? 1 : 0]),
      ]);
    case 'link':
      return Buffer.concat([kind, ...text(entry.name), u64(entry.time), ...text(entry.target)]);
    case 'hard-link':
      return Buffer.concat([kind, ...text(entry.name), u32(entry.file)]);
  }
}

/** Bytes that come in pieces, taken in other pieces; what is not taken stays. */
export class ByteSource {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** At least one and at most so many bytes. @throws Error at the end */
  async some(most: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#more())) throw new Error('The snapshot ends too early');
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  async isOver(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#rest = next.value;
      return true;
    }
  }
}

/** @throws Error when the stream holds something else */
export async function readEntry(source: ByteSource): Promise<Entry> {
  const [kind] = await source.take(1);
  const textOf = async () => Buffer.from(await source.take((await source.take(2)).readUInt16BE()));
  const time = async () => (await source.take(8)).readBigUInt64BE();
  const mode = async () => (await source.take(2)).readUInt16BE();
  switch (kind) {
    case KINDS.folder:
      return { kind: 'folder', name: await textOf(), mode: await mode(), time: await time() };
    case KINDS.end:
      return { kind: 'end' };
    case KINDS.file: {
      const head = { kind: 'file' as const, name: await textOf(), mode: await mode(), time: await time() };
      const size = Number((await source.take(8)).readBigUInt64BE());
      return { ...head, size, isShared: (await source.take(1))[0] === 1 };
    }
    case KINDS.link:
      return { kind: 'link', name: await textOf(), time: await time(), target: await textOf() };
    case KINDS['hard-link']:
      return { kind: 'hard-link', name: await textOf(), file: (await source.take(4)).readUInt32BE() };
    default:
      throw new Error('The snapshot holds something that this release of the runner does not know');
  }
}
