import type { FileTree } from '../tree.svelte.ts';
import type { RemoteFiles } from '../remote-files.ts';
import { toast } from '#lib/toast.svelte.ts';
import { StreamError, wordsOf } from '../../connection/stream-error.ts';
import type { Services } from '../../connection/streams.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import type { ConnectionState } from '../../connection/ports.ts';
import type { Documents } from '../../editor/documents.svelte.ts';
import type { Prompts } from '../../prompts.svelte.ts';
import { folderWords } from '../file-work.ts';
import { nameOf } from '../paths.ts';
import { Arrivals } from './arrivals.ts';
import { DownloadJob } from './download-job.ts';
import { chosenFiles, droppedFiles, type Drop, type Dropped } from './dropped.ts';
import type { Job } from './job.svelte.ts';
import { settle, sortUpload, type OnConflict, type Sorted } from './plan-upload.ts';
import { RemoteTransfers } from './remote-transfers.ts';
import { sinkFor } from './sink.ts';
import { UploadJob, type Outgoing } from './upload-job.ts';
import { filesWords } from './words.ts';

/** at once; the others wait */
const AT_ONCE = 2;
/** that are over are remembered */
const MOST_OVER = 20;
const MB = 1024 * 1024;

/** What of the IDE it works with. */
interface Surroundings {
  readonly files: RemoteFiles;
  readonly tree: FileTree;
  readonly documents: Documents;
  readonly prompts: Prompts;
  readonly policy: Policy | null;
  readonly connection: ConnectionState;
}

/** What goes into the workspace and out of it, one after the other. */
export class Transfers {
  readonly #ide: Surroundings;
  readonly #remote: RemoteTransfers;
  jobs = $state.raw<readonly Job[]>([]);
  /** whether all of them are in sight */
  open = $state(false);
  #waiting: (() => void)[] = [];
  readonly #arrivals: Arrivals;

  readonly busy: readonly Job[] = $derived(this.jobs.filter(({ over }) => !over));

  constructor(ide: Surroundings, services: Services) {
    this.#ide = ide;
    this.#remote = new RemoteTransfers(services);
    this.#arrivals = new Arrivals((paths) => {
      void ide.tree.changed(paths);
      void ide.documents.changed(paths);
    });
  }

  /** There is a connection again. */
  connected(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  uploadDropped(drop: Drop, folder: string): Promise<void> {
    return this.#upload(droppedFiles(drop), folder);
  }

  uploadChosen(files: Iterable<File>, folder: string): Promise<void> {
    // Where it is too much, that is said like all else.
    return this.#upload(
      Promise.resolve().then(() => chosenFiles(files)),
      folder,
    );
  }

  /** A file as it is, anything else as one archive. @param size bytes, null: nobody knows */
  async download(paths: readonly string[], isFile: boolean, size: number | null): Promise<void> {
    const [first = ''] = paths;
    const most = this.#ide.policy?.download ?? null;
    if (isFile && most !== null && size !== null && size > most * MB) {
      toast.error(`“${nameOf(first)}” was not downloaded`, {
        description: `Your organisation’s policy lets files of at most ${most} MB out.`,
      });
      return;
    }
    const name = isFile ? nameOf(first) : `${paths.length === 1 ? nameOf(first) || 'workspace' : 'files'}.tar`;
    const sink = await sinkFor(name, size);
    if (sink === null) return;
    const request = isFile ? { method: 'files.read' as const, path: first } : { method: 'files.archive' as const, paths: [...paths] };
    this.#add(new DownloadJob(this.#jobPorts, this.#remote, request, sink, name));
  }

  cancel(job: Job): void {
    job.cancel();
    this.#next();
  }

  retry(job: Job): void {
    job.again();
    this.jobs = [...this.jobs];
    this.#next();
  }

  /** Forgets those that are over. */
  clear(): void {
    this.jobs = this.jobs.filter(({ over }) => !over);
    if (this.jobs.length === 0) this.open = false;
  }

  get #jobPorts() {
    return {
      now: () => performance.now(),
      connection: (signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          if (this.#ide.connection.kind === 'connected') return resolve();
          this.#waiting.push(resolve);
          signal.addEventListener('abort', () => reject(new StreamError('cancelled', 'It was cancelled')), { once: true });
        }),
    };
  }

  async #upload(wanted: Promise<Dropped>, folder: string): Promise<void> {
    try {
      const dropped = await wanted;
      const allowed = await this.#withinPolicy(dropped);
      if (allowed === null || allowed.files.length + allowed.folders.length === 0) return;
      const sorted = await sortUpload(allowed, folder, { list: async (path) => (await this.#ide.files.list(path)).entries });
      const files = await this.#settle(sorted);
      if (files === null || files.length + sorted.folders.length === 0) return;
      const ports = {
        ...this.#jobPorts,
        makeId: () => crypto.randomUUID(),
        makeFolder: (path: string) => this.#ide.files.makeDirectory(path),
        arrived: (path: string) => this.#arrivals.add(path),
      };
      const [only] = files;
      const what = only !== undefined && files.length === 1 ? nameOf(only.path) : filesWords(files.length);
      this.#add(new UploadJob(ports, this.#remote, { title: `${what} to ${folderWords(folder)}`, folders: sorted.folders, files }));
    } catch (thrown) {
      toast.error('Nothing was uploaded', { description: wordsOf(thrown) });
    }
  }

  /** What the policy lets in; asks about the rest. @returns null: none of it is wanted */
  async #withinPolicy(dropped: Dropped): Promise<Dropped | null> {
    const most = this.#ide.policy?.upload ?? null;
    const large = most === null ? [] : dropped.files.filter(({ file }) => file.size > most * MB);
    const [first] = large;
    if (first === undefined) return dropped;
    const which = large.length === 1 ? `“${nameOf(first.path)}” is` : `${filesWords(large.length)} are`;
    const text = `${which} larger than the ${most} MB that your organisation’s policy lets in.`;
    const rest = dropped.files.filter((file) => !large.includes(file));
    if (rest.length === 0) {
      toast.error('Nothing was uploaded', { description: text });
      return null;
    }
    const answer = await this.#ide.prompts.ask({
      title: 'Upload the others?',
      text,
      choices: [{ label: `Upload ${filesWords(rest.length)}`, look: 'primary', value: 'rest' }],
    });
    return answer === null ? null : { ...dropped, files: rest };
  }

  async #settle(sorted: Sorted): Promise<Outgoing[] | null> {
    const [blocked] = sorted.blocked;
    if (blocked !== undefined) {
      const more = sorted.blocked.length === 1 ? '' : ` and ${sorted.blocked.length - 1} more`;
      toast.error(`“${nameOf(blocked)}”${more} can’t be uploaded`, {
        description: 'Something of another kind has that name there: a folder, or a file.',
      });
    }
    const { taken, free } = sorted;
    const [first] = taken;
    if (first === undefined) return free;
    const answer = await this.#ide.prompts.ask({
      title: taken.length === 1 ? `“${nameOf(first.path)}” is already there` : `${filesWords(taken.length)} of these are already there`,
      text: 'What is replaced can’t be had back.',
      choices: [
        { label: taken.length === 1 ? 'Skip it' : 'Skip them all', look: 'plain', value: 'skip' },
        { label: taken.length === 1 ? 'Keep both' : 'Keep both of each', look: 'plain', value: 'both' },
        { label: taken.length === 1 ? 'Replace' : 'Replace them all', look: 'primary', value: 'replace' },
      ],
    });
    return answer === null ? null : settle(sorted, answer as OnConflict);
  }

  #add(job: Job): void {
    const over = this.jobs.filter((each) => each.over);
    const forgotten = over.slice(0, Math.max(0, over.length - MOST_OVER));
    this.jobs = [...this.jobs.filter((each) => !forgotten.includes(each)), job];
    this.#next();
  }

  #next(): void {
    const running = this.jobs.filter(({ state }) => state === 'running' || state === 'waiting').length;
    for (const job of this.jobs.filter(({ state }) => state === 'queued').slice(0, Math.max(0, AT_ONCE - running))) void this.#run(job);
  }

  async #run(job: Job): Promise<void> {
    await job.run();
    if (job.state === 'failed')
      toast.error(`${job.direction === 'up' ? 'Upload' : 'Download'} not finished`, { description: job.problem ?? '' });
    this.jobs = [...this.jobs];
    this.#next();
  }
}
