import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MOST_FILE_BYTES } from '@gatehouse/core/protocol/files.ts';
import { ServiceFailure } from '../service-failure.ts';
import { entryOf, etagOf } from './files.ts';
import { moveTo } from './file-move.ts';
import { openPart } from './file-part.ts';
import type { Stream, StreamEvents } from './host.ts';
import { PIECE } from './paced.ts';
import { placeOf } from './paths.ts';

interface WriteRequest {
  path: string;
  etag: string | null;
  size: number;
  part?: { id: string; from: number } | undefined;
  sha256?: string | undefined;
}

/** The file behind a link, so that saving keeps the link. */
const behindLinks = (place: string) => realpath(place).catch(() => place);

/** @throws ServiceFailure `conflict` when what is there is not what was edited; answers the mode to keep */
async function checkVersion(place: string, etag: string | null): Promise<number | undefined> {
  const there = await stat(place, { bigint: true }).catch(() => null);
  if (there !== null && !there.isFile()) throw new ServiceFailure('not-a-file', 'Only files can be written');
  const found = there === null ? null : etagOf(there);
  if (etag !== '*' && etag !== found) {
    const message = etag === null ? 'The file exists already' : 'The file has changed since it was opened';
    throw new ServiceFailure('conflict', message);
  }
  return there === null ? undefined : Number(there.mode) & 0o7777;
}

const besideOf = (target: string) => join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.saving`);

async function sumOf(file: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const piece = new Uint8Array(PIECE);
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE, size - at), at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

/** Whether an upload's content is there already: its answer was lost with the connection. Nothing is to be done then. */
async function isThere(root: string, { path, size, part, sha256 }: WriteRequest): Promise<object | null> {
  if (part?.from !== 0 || sha256 === undefined) return null;
  const file = await open(placeOf(root, path), constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile() || Number(stats.size) !== size || (await sumOf(file, size)) !== sha256) return null;
    return { ok: true, entry: entryOf(basename(path), stats), etag: etagOf(stats) };
  } finally {
    await file.close();
  }
}

class Write {
  readonly #request: WriteRequest;
  readonly #target: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #from: number;
  #written: number;

  private constructor(request: WriteRequest, target: string, temporary: string, file: FileHandle) {
    this.#request = request;
    this.#target = target;
    this.#temporary = temporary;
    this.#file = file;
    this.#from = request.part?.from ?? 0;
    this.#written = this.#from;
  }

  static async begin(root: string, request: WriteRequest): Promise<Write> {
    if (request.size > MOST_FILE_BYTES) throw new ServiceFailure('too-large', 'A file of more than 2 GB can’t be written');
    const target = await behindLinks(placeOf(root, request.path));
    const mode = await checkVersion(target, request.etag);
    await stat(dirname(target));
    if (request.part !== undefined) {
      const { place, file } = await openPart(root, request.part);
      return new Write(request, target, place, file);
    }
    const temporary = besideOf(target);
    const file = await open(temporary, 'wx+');
    if (mode !== undefined) await file.chmod(mode);
    return new Write(request, target, temporary, file);
  }

  /** Each byte at its own place: what an earlier connection of the same upload still writes is the same. @returns bytes of this stream so far */
  async append(bytes: Uint8Array): Promise<number> {
    if (this.#written + bytes.byteLength > this.#request.size) throw new ServiceFailure('invalid', 'More bytes came than were announced');
    for (let at = 0; at < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.byteLength - at, this.#written);
      at += bytesWritten;
      this.#written += bytesWritten;
    }
    return this.#written - this.#from;
  }

  async finish(): Promise<object> {
    const { size, sha256, part, etag } = this.#request;
    if (this.#written !== size) throw new ServiceFailure('invalid', 'Fewer bytes came than were announced');
    if (part !== undefined) await this.#file.truncate(size);
    await this.#file.datasync();
    if (sha256 !== undefined && (await sumOf(this.#file, size)) !== sha256)
      throw new ServiceFailure('invalid', 'What arrived is not what was sent: nothing was stored');
    const mode = await checkVersion(this.#target, etag);
    if (part !== undefined) await this.#file.chmod(mode ?? 0o644);
    await this.#file.close();
    await this.#putInPlace(part !== undefined);
    const stats = await stat(this.#target, { bigint: true });
    return { ok: true, entry: entryOf(basename(this.#target), stats), etag: etagOf(stats) };
  }

  /** What a cut left is kept, to be gone on with, unless it is `broken`. */
  async abandon(broken: boolean): Promise<void> {
    await this.#file.close().catch(() => undefined);
    if (broken || this.#request.part === undefined) await rm(this.#temporary, { force: true });
  }

  /** A part may lie on another disk: it comes beside the target first, so that the file is replaced at once. */
  async #putInPlace(wasPart: boolean): Promise<void> {
    if (!wasPart) return rename(this.#temporary, this.#target);
    const beside = besideOf(this.#target);
    await moveTo(this.#temporary, beside);
    try {
      await rename(beside, this.#target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }
}

/** Replaces a file whole or not at all: into a file beside it, then renamed. Keeps its mode. */
export function writeFile(root: string, request: WriteRequest, stream: Stream): StreamEvents {
  let over = false;
  let write: Write | undefined;
  const abandon = async (error?: unknown) => {
    if (over) return;
    over = true;
    await write?.abandon(error instanceof ServiceFailure && error.code === 'invalid');
    if (error !== undefined) stream.fail(error);
  };
  // One step after the other, in the order in which the bytes came.
  let steps: Promise<void> = Promise.resolve();
  const next = (step: () => Promise<void>) => {
    steps = steps.then(() => (over ? undefined : step())).catch(abandon);
  };
  next(async () => {
    const there = await isThere(root, request);
    if (there === null) return void (write = await Write.begin(root, request));
    over = true;
    stream.head(there);
    stream.fin();
  });
  return {
    data: (bytes) => {
      const copy = Uint8Array.from(bytes);
      next(async () => write && stream.ack(await write.append(copy)));
    },
    fin: () =>
      next(async () => {
        const head = await write?.finish();
        over = true;
        if (head !== undefined) stream.head(head);
        stream.fin();
      }),
    reset: () => next(() => abandon()),
  };
}
