import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { Clock } from '../connection/ports.ts';
import { unique } from '../files/paths.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { Delayed } from './delayed.ts';
import { type Draft, draft, type DraftStore } from './drafts.ts';
import { encodeText } from './text-file.ts';

/** Where Gatehouse keeps its own things in a home; git and searches leave it out. */
export const OWN_FOLDER = '.gatehouse';

/** Unsaved work goes to the workspace this long after the last key; to this browser it goes sooner. */
const WRITE_MS = 5_000;
/** Larger texts stay in this browser alone. */
const MOST_BYTES = 1024 * 1024;
const MOST_DRAFTS = 50;
/** bytes of a name */
const MOST_NAME = 250;

export interface WorkspaceDraftsPorts {
  files: Pick<RemoteFiles, 'list' | 'readSome' | 'write' | 'remove' | 'makeDirectory'>;
  clock: Clock;
  /** whose drafts these are: several people may work in one home */
  userId: string;
  mayChange: () => boolean;
}

/**
 * Unsaved work in this browser, and as files of the workspace too, so that it survives a lost device. Never rejects:
 * what can't be written there is still here.
 */
export class WorkspaceDrafts implements DraftStore {
  readonly #here: DraftStore;
  readonly #ports: WorkspaceDraftsPorts;
  readonly #folder: string;
  readonly #toWrite: Delayed<string>;
  /** names of the files that are there; not asked for yet: null */
  #names: Promise<Set<string>> | null = null;

  constructor(here: DraftStore, ports: WorkspaceDraftsPorts) {
    this.#here = here;
    this.#ports = ports;
    this.#folder = `${OWN_FOLDER}/drafts/${ports.userId}`;
    this.#toWrite = new Delayed(ports.clock, WRITE_MS);
  }

  /** The newer of the two. */
  async get(path: string): Promise<Draft | null> {
    const [here, there] = await Promise.all([this.#here.get(path), this.#read(path)]);
    return here !== null && (there === null || here.time >= there.time) ? here : there;
  }

  async put(value: Draft): Promise<void> {
    await this.#here.put(value);
    this.#toWrite.plan(value.path, () => void this.#write(value));
  }

  async remove(path: string): Promise<void> {
    this.#toWrite.cancel(path);
    await this.#here.remove(path);
    const names = await this.#known();
    if (!names.delete(nameFor(path)) || !this.#ports.mayChange()) return;
    await this.#ports.files.remove(`${this.#folder}/${nameFor(path)}`, false).catch(() => undefined);
  }

  async paths(): Promise<string[]> {
    const [here, there] = await Promise.all([this.#here.paths(), this.#known()]);
    return unique([...here, ...[...there].flatMap((name) => pathOf(name) ?? [])]);
  }

  #known(): Promise<Set<string>> {
    this.#names ??= this.#ports.files.list(this.#folder).then(
      ({ entries }) => new Set(entries.slice(0, MOST_DRAFTS).map(({ name }) => name)),
      () => new Set<string>(),
    );
    return this.#names;
  }

  async #read(path: string): Promise<Draft | null> {
    try {
      if (!(await this.#known()).has(nameFor(path))) return null;
      const { bytes } = await this.#ports.files.readSome(`${this.#folder}/${nameFor(path)}`, 2 * MOST_BYTES);
      const found = draft.safeParse(decodeJson(bytes)).data ?? null;
      return found?.path === path ? found : null;
    } catch {
      return null;
    }
  }

  async #write(value: Draft): Promise<void> {
    const { files, mayChange } = this.#ports;
    const name = nameFor(value.path);
    const bytes = encodeText(JSON.stringify(value));
    const names = await this.#known();
    if (!mayChange() || bytes.byteLength > MOST_BYTES || name.length > MOST_NAME) return;
    if (!names.has(name) && names.size >= MOST_DRAFTS) return;
    try {
      if (names.size === 0) await this.#makeFolder();
      await files.write(`${this.#folder}/${name}`, bytes, '*');
      names.add(name);
    } catch {
      // the draft of this browser stays
    }
  }

  async #makeFolder(): Promise<void> {
    const { files } = this.#ports;
    // what is there already is not made again
    for (const folder of [OWN_FOLDER, `${OWN_FOLDER}/drafts`, this.#folder]) await files.makeDirectory(folder).catch(() => undefined);
    await files.write(`${OWN_FOLDER}/.gitignore`, encodeText('*\n'), null).catch(() => undefined);
  }
}

const nameFor = (path: string): string => `${encodeURIComponent(path)}.json`;

function pathOf(name: string): string | null {
  try {
    return name.endsWith('.json') ? decodeURIComponent(name.slice(0, -'.json'.length)) : null;
  } catch {
    return null;
  }
}
