import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { StreamError, wordsOf } from '../../connection/stream-error.ts';
import { nameOf } from '../paths.ts';
import { Job, type JobPorts } from './job.svelte.ts';
import type { RemoteTransfers } from './remote-transfers.ts';
import { filesWords } from './words.ts';

/** One file of an upload, and where it is to be. */
export interface Outgoing {
  path: string;
  file: File;
  /** null: nothing may be there; "*": it replaces what is */
  etag: '*' | null;
}

export interface UploadPlan {
  title: string;
  /** folders that must be there first, the outer before the inner */
  folders: readonly string[];
  files: readonly Outgoing[];
}

export interface UploadPorts extends JobPorts {
  makeId(): string;
  makeFolder(path: string): Promise<void>;
  /** something is there that was not */
  arrived(path: string): void;
}

/** at once: small files wait for the way to the runner, large ones for its width */
const AT_ONCE = 4;
const SLICE = 1024 * 1024;

/** of the whole content, read slice by slice @param looked told of each */
async function sumOf(file: File, signal: AbortSignal, looked: (bytes: number) => void): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size && !signal.aborted; at += SLICE) {
    const bytes = await file
      .slice(at, at + SLICE)
      .arrayBuffer()
      .catch(() => {
        throw new StreamError('invalid', 'The file can’t be read any more: it was moved or changed on your machine');
      });
    hash.update(new Uint8Array(bytes));
    looked(bytes.byteLength);
  }
  return bytesToHex(hash.digest());
}

/** Files and folders on their way into the workspace. */
export class UploadJob extends Job {
  readonly direction = 'up';
  readonly #ports: UploadPorts;
  readonly #remote: RemoteTransfers;
  readonly #folders: readonly string[];
  /** not there yet */
  #open: Outgoing[];
  /** bytes of each that is on its way, and of all that are there */
  readonly #under = new Map<Outgoing, number>();
  #stored = 0;
  #count = 0;
  readonly #all: number;

  constructor(ports: UploadPorts, remote: RemoteTransfers, plan: UploadPlan) {
    super(ports);
    this.#ports = ports;
    this.#remote = remote;
    this.#folders = plan.folders;
    this.#open = [...plan.files];
    this.#all = plan.files.length;
    this.title = plan.title;
    this.total = plan.files.reduce((sum, { file }) => sum + file.size, 0);
    this.#say();
  }

  protected async work(): Promise<void> {
    const failures: { path: string; why: string }[] = [];
    await this.#makeFolders();
    const waiting = [...this.#open];
    const failed: Outgoing[] = [];
    const next = async () => {
      for (let one = waiting.shift(); one !== undefined && !this.signal.aborted; one = waiting.shift()) {
        try {
          await this.#send(one);
        } catch (thrown) {
          failed.push(one);
          failures.push({ path: one.path, why: wordsOf(thrown) });
        }
        this.#under.delete(one);
        this.#tell();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    this.#open = [...failed, ...waiting];
    if (this.signal.aborted) throw new StreamError('cancelled', 'It was cancelled');
    const [first] = failures;
    if (first === undefined) return;
    const which = failures.length === 1 ? `“${nameOf(first.path)}” is` : `${filesWords(failures.length)} are`;
    throw new StreamError('internal', `${which} not there: ${first.why}`);
  }

  async #makeFolders(): Promise<void> {
    for (const folder of this.#folders) {
      try {
        await this.throughCuts(() => this.#ports.makeFolder(folder));
        this.#ports.arrived(folder);
      } catch (thrown) {
        if (!(thrown instanceof StreamError) || thrown.code !== 'exists') throw thrown;
      }
    }
  }

  async #send(one: Outgoing): Promise<void> {
    const { path, file, etag } = one;
    const id = this.#ports.makeId();
    const sum = await sumOf(file, this.signal, (bytes) => (this.checked = (this.checked ?? 0) + bytes));
    const request = { method: 'files.write' as const, path, etag, size: file.size, sha256: sum };
    let began = false;
    const attempt = async () => {
      const from = began ? Math.min(await this.#remote.part(id), file.size) : 0;
      began = true;
      this.#under.set(one, from);
      const progress = (bytes: number) => {
        this.#under.set(one, bytes);
        this.#tell();
      };
      await this.#remote.write({ ...request, part: { id, from } }, file, progress, this.signal);
    };
    try {
      await this.throughCuts(attempt);
    } catch (thrown) {
      await this.#remote.part(id, true).catch(() => 0);
      throw thrown;
    }
    this.#stored += file.size;
    this.#count += 1;
    this.#ports.arrived(path);
    this.#say();
  }

  #tell(): void {
    this.progress([...this.#under.values()].reduce((sum, bytes) => sum + bytes, this.#stored));
  }

  #say(): void {
    this.detail = this.#all === 1 ? '' : `${this.#count.toLocaleString('en')} of ${filesWords(this.#all)}`;
  }
}
