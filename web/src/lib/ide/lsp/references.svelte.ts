import { decodeText } from '../editor/text-file.ts';
import type { RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import type { Documents } from '../editor/documents.svelte.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { groupByPath } from './group-places.ts';
import type { Location } from './schemas.ts';
import { isThere } from './there.ts';
import { pathOf } from './uris.ts';

/** What a line shows at most. */
const MOST_LINE = 300;
/** Files whose lines are read; beyond, places are shown by their numbers. */
const MOST_READ = 100;

export interface Reference {
  location: Location;
  line: number;
  /** the line, or null where it was not read */
  text: string | null;
  from: number;
  to: number;
}

/** What of the IDE it works with. */
interface Surroundings {
  readonly files: RemoteFiles;
  readonly documents: Documents;
  readonly hello: RunnerHello | null;
}

/** Places in files, with their lines. */
export class ReferenceList {
  /** what they are of */
  readonly name: string;
  readonly #ide: Pick<Surroundings, 'files' | 'documents'>;
  files = $state.raw<readonly { path: string; places: readonly Reference[] }[]>([]);
  /** of places outside the workspace */
  readonly outside: number;
  readonly total: number;

  constructor(name: string, ide: Surroundings, found: readonly Location[]) {
    this.name = name;
    this.#ide = ide;
    const groups = groupByPath(found, ({ uri }) => pathOf(ide.hello?.root ?? '', uri));
    this.outside = groups.find(({ path }) => path === null)?.group.length ?? 0;
    this.total = found.length - this.outside;
    this.files = groups.flatMap(({ path, group }) =>
      path === null ? [] : [{ path, places: group.map(placeOf).sort((a, b) => a.line - b.line || a.from - b.from) }],
    );
  }

  /** Reads the lines: from editors where files are open. */
  async read(): Promise<void> {
    const read = this.files.slice(0, MOST_READ).map(async ({ path, places }) => {
      const lines = await this.#linesOf(path);
      return { path, places: places.map((place) => ({ ...place, text: lines?.[place.line - 1]?.slice(0, MOST_LINE) ?? null })) };
    });
    this.files = [...(await Promise.all(read)), ...this.files.slice(MOST_READ)];
  }

  async #linesOf(path: string): Promise<string[] | null> {
    const document = this.#ide.documents.find(path);
    if (document?.state === 'ready') return document.buffer.read().split(/\r?\n/);
    const content = await this.#ide.files.read(path).catch(() => null);
    const text = isThere(content?.bytes) ? decodeText(Uint8Array.from(content.bytes)) : null;
    return text === null ? null : text.text.split(/\r?\n/);
  }
}

const placeOf = (location: Location): Reference => {
  const { start, end } = location.range;
  return {
    location,
    line: start.line + 1,
    text: null,
    from: start.character,
    to: end.line === start.line ? end.character : start.character,
  };
};
