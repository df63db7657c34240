import uFuzzy from '@leeoniya/ufuzzy';
import { nameOf } from '../files/paths.ts';

const SHOWN = 100;
/** Above so many names that fit, they are not ranked: a letter more will do. */
const RANKED = 5_000;

/** "main.ts:42" */
export function goalOf(query: string): { name: string; line: number | null } {
  const [, name = query, line] = /^(.*?):(\d+)?$/.exec(query) ?? [];
  return { name: name.trim(), line: line === undefined ? null : Number(line) };
}

const fuzzy = new uFuzzy({ intraMode: 0, intraIns: Infinity, interIns: Infinity });

/** Files that fit, those used lately first, then the best. @param recent the newest first */
export function matchPaths(paths: readonly string[], recent: readonly string[], name: string): string[] {
  const known = new Set(paths);
  const lately = recent.filter((path) => known.has(path));
  if (name === '') return [...lately, ...paths.filter((path) => !lately.includes(path))].slice(0, SHOWN);
  const hits = ranked(paths, name);
  const fits = new Set(hits);
  const first = lately.filter((path) => fits.has(path));
  return [...first, ...hits.filter((path) => !first.includes(path))].slice(0, SHOWN);
}

function ranked(paths: readonly string[], name: string): string[] {
  const [indexes, info, order] = fuzzy.search([...paths], name.replaceAll('/', ' '), 1, RANKED);
  if (indexes === null) return [];
  const hits = info !== null && order !== null ? order.map((at) => paths[info.idx[at] ?? -1]) : indexes.map((at) => paths[at]);
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  // What the file itself is called counts more than where it lies.
  const inName = (path: string) => {
    const own = nameOf(path).toLowerCase();
    return own.startsWith(last) ? 0 : own.includes(last) ? 1 : 2;
  };
  return hits.filter((path) => path !== undefined).sort((a, b) => inName(a) - inName(b));
}
