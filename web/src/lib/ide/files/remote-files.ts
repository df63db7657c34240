import { concat } from '@gatehouse/core/protocol/bytes.ts';
import type { TrashItem } from '@gatehouse/core/protocol/files.ts';
import { fileEntries, fileEvents, trashItems, type FileEntry } from '@gatehouse/core/protocol/services.ts';
import { StreamError } from '../connection/stream-error.ts';
import type { HeadOf, RequestOf } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';
import { takeBatches } from './batches.ts';
import { Upload } from './upload.ts';

/** The largest file that the editor opens or saves. */
export const MOST_BYTES = 10 * 1024 * 1024;

export interface FileContent {
  entry: FileEntry;
  etag: string;
  /** null when the file is binary or larger than `MOST_BYTES` */
  bytes: Uint8Array | null;
  why: 'binary' | 'too-large' | null;
}

export interface Listing {
  entries: FileEntry[];
  /** the runner left some out, because there are too many */
  truncated: boolean;
}

/** The files of a workspace, as its runner serves them. Every method throws StreamError. */
export class RemoteFiles {
  readonly #services: Services;
  /** why files may not be changed from here now, for people; null: they may. Whoever does not drive only reads. */
  refusal: () => string | null = () => null;

  constructor(services: Services) {
    this.#services = services;
  }

  /**
   * @param only some of its names, for a folder that is known but for these
   * @param arrived is told all entries so far while more come
   */
  async list(path: string, only?: readonly string[], arrived?: (entries: FileEntry[]) => void): Promise<Listing> {
    let all: FileEntry[] = [];
    const request = { method: 'files.list' as const, path, ...(only === undefined ? {} : { only: [...only] }) };
    const { truncated } = await takeBatches(this.#services, request, (items) => {
      all = all.concat(fileEntries.parse(items));
      arrived?.(all);
    });
    return { entries: all, truncated };
  }

  stat(path: string): Promise<HeadOf<'files.stat'>> {
    return this.#services.call({ method: 'files.stat', path });
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#change({ method: 'files.mkdir', path });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#change({ method: 'files.rename', from, to });
  }

  /** A file, or a folder with all that is in it. */
  async copy(from: string, to: string): Promise<void> {
    await this.#change({ method: 'files.copy', from, to });
  }

  /** @returns its name in the trash; null: it lay there already, and is gone */
  async throwAway(path: string): Promise<string | null> {
    return (await this.#change({ method: 'trash.put', path })).name;
  }

  async trash(): Promise<TrashItem[]> {
    const all: TrashItem[] = [];
    await takeBatches(this.#services, { method: 'trash.list' }, (items) => all.push(...trashItems.parse(items)));
    return all;
  }

  /** @returns where it is again */
  async takeBack(name: string): Promise<string> {
    return (await this.#change({ method: 'trash.restore', name })).path;
  }

  /** For good. @param name in the trash; null: all of it */
  async forget(name: string | null): Promise<void> {
    await this.#change({ method: 'trash.delete', name });
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    await this.#change({ method: 'files.delete', path, recursive });
  }

  /** Reads a whole file, unless nobody could edit it anyway. */
  async read(path: string): Promise<FileContent> {
    const why = ({ binary, entry }: HeadOf<'files.read'>) => (binary ? 'binary' : entry.size > MOST_BYTES ? 'too-large' : null);
    const { head, bytes } = await this.#collect({ method: 'files.read', path }, (opened) => why(opened) === null);
    return { entry: head.entry, etag: head.etag, bytes, why: why(head) };
  }

  /** Reads a file of any kind from its beginning. @param most bytes; `complete` says whether that was all */
  readSome(path: string, most: number): Promise<{ entry: FileEntry; bytes: Uint8Array<ArrayBuffer>; complete: boolean }> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let entry: FileEntry | undefined;
      let count = 0;
      const end = (): void => {
        if (entry !== undefined) resolve({ entry, bytes: concat(...chunks).slice(0, most), complete: entry.size <= most });
      };
      const stream = this.#services.open(
        { method: 'files.read', path },
        {
          head: (head) => (entry = head.entry),
          data: (bytes, offset) => {
            chunks.push(bytes);
            count += bytes.byteLength;
            stream?.took(offset + bytes.byteLength);
            if (count < most) return;
            stream?.cancel();
            end();
          },
          finished: () => {
            stream?.done();
            end();
          },
          ended: reject,
        },
      );
    });
  }

  /**
   * Writes a whole file.
   * @param etag of the version edited; null: must not exist yet; "*": whatever is there
   * @param progress is told how many bytes have arrived
   * @throws StreamError `conflict` when something else is there
   */
  write(
    path: string,
    content: Uint8Array | Blob,
    etag: string | null,
    progress: (bytes: number) => void = () => undefined,
  ): Promise<HeadOf<'files.write'>> {
    return new Promise((resolve, reject) => {
      this.#mayChange();
      const unreadable = (): void => {
        stream?.cancel();
        reject(new StreamError('invalid', 'The file can’t be read any more'));
      };
      const upload = new Upload(content, () => stream?.wake(), unreadable);
      const stream = this.#services.open(
        { method: 'files.write', path, etag, size: upload.size },
        {
          head: (head) => {
            stream?.done();
            resolve(head);
          },
          acknowledged: progress,
          ended: reject,
        },
      );
      stream?.feed(upload);
    });
  }

  /**
   * Watches a directory and what is below it.
   * @param changed is told paths; null when too much happened to name it
   * @param ended the watch is over, other than by the answer, which ends it
   */
  watch(path: string, changed: (paths: string[] | null) => void, ended: (error: StreamError) => void): () => void {
    const stream = this.#services.open(
      { method: 'files.watch', path },
      { head: () => undefined, message: (body) => changed(changedPaths(body)), ended },
    );
    return () => stream?.cancel();
  }

  async #change<M extends 'files.mkdir' | 'files.rename' | 'files.copy' | 'files.delete' | 'trash.put' | 'trash.restore' | 'trash.delete'>(
    request: RequestOf<M>,
  ): Promise<HeadOf<M>> {
    this.#mayChange();
    return this.#services.call<M>(request);
  }

  #mayChange(): void {
    const refusal = this.refusal();
    if (refusal !== null) throw new StreamError('refused', refusal);
  }

  /** Takes all the bytes behind a head. @param wanted false: the head alone is answered, with null for the bytes */
  #collect<M extends 'files.read'>(
    request: RequestOf<M>,
    wanted: (head: HeadOf<M>) => boolean = () => true,
  ): Promise<{ head: HeadOf<M>; bytes: Uint8Array | null }> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let head: HeadOf<M> | undefined;
      const stream = this.#services.open<M>(request, {
        head: (opened) => {
          head = opened;
          if (wanted(opened)) return;
          stream?.cancel();
          resolve({ head: opened, bytes: null });
        },
        data: (bytes, offset) => {
          // the payload is a view on the message: kept as it is, it keeps only its own message alive
          chunks.push(bytes);
          stream?.took(offset + bytes.byteLength);
        },
        finished: () => {
          stream?.done();
          if (head !== undefined) resolve({ head, bytes: concat(...chunks) });
        },
        ended: reject,
      });
    });
  }
}

function changedPaths(body: unknown): string[] | null {
  const events = fileEvents.parse(body);
  return events.overflow ? null : events.paths;
}
