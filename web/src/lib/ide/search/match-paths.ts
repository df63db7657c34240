import uFuzzy from '@leeoniya/ufuzzy';
import { nameOf } from '../files/paths.ts';

const SHOWN = 100;
/** those used lately, which come first in any case, may be among them */
const MOST = 2 * SHOWN;
/** Above so many names that fit, they are not ranked: a letter more will do. */
const RANKED = 5_000;

/** "main.ts:42" */
export function goalOf(query: string): { name: string; line: number | null } {
  const [, name = query, line] = /^(.*?):(\d+)?$/.exec(query) ?? [];
  return { name: name.trim(), line: line === undefined ? null : Number(line) };
}

const fuzzy = new uFuzzy({ intraMode: 0, intraIns: Infinity, interIns: Infinity });

/** Finds files by name among very many, letter after letter. */
export class PathFinder {
  readonly #paths: readonly string[];
  readonly #lately: readonly string[];
  #name = '';
  /** those that fit `#name`, among which the next letter looks */
  #left: readonly string[] = [];

  /** @param recent used lately, the newest first; some may be gone */
  constructor(paths: readonly string[], recent: readonly string[]) {
    this.#paths = paths;
    const wanted = new Set(recent);
    const there = new Set(paths.filter((path) => wanted.has(path)));
    this.#lately = recent.filter((path) => there.has(path));
  }

  /** Files that fit, those used lately first, then the best. */
  find(name: string): string[] {
    const first = name === '' ? this.#lately : search(this.#lately, name).fit;
    const hits = name === '' ? this.#paths : this.#best(name);
    const rest = hits.slice(0, MOST).filter((path) => !first.includes(path));
    return [...first, ...rest].slice(0, SHOWN);
  }

  /** What fits more letters fits fewer, too. */
  #best(name: string): readonly string[] {
    const from = narrows(this.#name, name) ? this.#left : this.#paths;
    const { fit, hits } = search(from, name);
    this.#name = name;
    this.#left = fit;
    return byName(hits, name);
  }
}

/** An added minus or quotation mark lets in what did not fit before. */
const narrows = (before: string, name: string): boolean => before !== '' && name.startsWith(before) && !/(^|[\s/])-|"/.test(name);

/** @returns all that fit, as they stood, and those with the best first, as far as few enough fit to be ranked */
function search(paths: readonly string[], name: string): { fit: readonly string[]; hits: readonly string[] } {
  // It only reads them, and a copy of a hundred thousand takes its time.
  const [indexes, info, order] = fuzzy.search(paths as string[], name.replaceAll('/', ' '), 1, RANKED);
  if (indexes === null) return { fit: [], hits: [] };
  const fit = indexes.length === paths.length ? paths : itemsAt(paths, indexes);
  if (info === null || order === null) return { fit, hits: fit };
  return { fit, hits: itemsAt(paths, itemsAt(info.idx, order)) };
}

/** A plain loop: there may be a hundred thousand. */
function itemsAt<T>(all: readonly T[], indexes: readonly number[]): T[] {
  const found: T[] = [];
  for (const index of indexes) {
    const one = all[index];
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** What the file itself is called counts more than where it lies. No more than are shown. */
function byName(hits: readonly string[], name: string): string[] {
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const [begins, holds, others]: [string[], string[], string[]] = [[], [], []];
  for (const path of hits) {
    const own = nameOf(path).toLowerCase();
    (own.startsWith(last) ? begins : own.includes(last) ? holds : others).push(path);
    if (begins.length === MOST) break;
  }
  return [...begins, ...holds, ...others];
}
