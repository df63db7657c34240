import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ServiceFailure } from '../service-failure.ts';
import { MOST_BYTES, entryOf, etagOf } from './files.ts';
import type { Stream, StreamEvents } from './host.ts';
import { placeOf } from './paths.ts';

interface WriteRequest {
  path: string;
  etag: string | null;
  size: number;
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

class Write {
  readonly #request: WriteRequest;
  readonly #target: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #written = 0;

  private constructor(request: WriteRequest, target: string, temporary: string, file: FileHandle) {
    this.#request = request;
    this.#target = target;
    this.#temporary = temporary;
    this.#file = file;
  }

  static async begin(root: string, request: WriteRequest): Promise<Write> {
    if (request.size > MOST_BYTES) throw new ServiceFailure('too-large', 'A file of more than 100 MB can not be written');
    const target = await behindLinks(placeOf(root, request.path));
    const mode = await checkVersion(target, request.etag);
    const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}.saving`);
    const file = await open(temporary, 'wx');
    if (mode !== undefined) await file.chmod(mode);
    return new Write(request, target, temporary, file);
  }

  /** @returns bytes written so far */
  async append(bytes: Uint8Array): Promise<number> {
    if (this.#written + bytes.byteLength > this.#request.size) throw new ServiceFailure('invalid', 'More bytes came than were announced');
    await this.#file.writeFile(bytes);
    this.#written += bytes.byteLength;
    return this.#written;
  }

  async finish(): Promise<object> {
    if (this.#written !== this.#request.size) throw new ServiceFailure('invalid', 'Fewer bytes came than were announced');
    await this.#file.datasync();
    await this.#file.close();
    await checkVersion(this.#target, this.#request.etag);
    await rename(this.#temporary, this.#target);
    const stats = await stat(this.#target, { bigint: true });
    return { ok: true, entry: entryOf(basename(this.#target), stats), etag: etagOf(stats) };
  }

  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }
}

/** Replaces a file whole or not at all: into a file beside it, then renamed. Keeps its mode. */
export function writeFile(root: string, request: WriteRequest, stream: Stream): StreamEvents {
  let over = false;
  let write: Write | undefined;
  const abandon = async (error?: unknown) => {
    if (over) return;
    over = true;
    await write?.abandon();
    if (error !== undefined) stream.fail(error);
  };
  // One step after the other, in the order in which the bytes came.
  let steps: Promise<void> = Promise.resolve();
  const next = (step: () => Promise<void>) => {
    steps = steps.then(() => (over ? undefined : step())).catch(abandon);
  };
  next(async () => {
    write = await Write.begin(root, request);
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
