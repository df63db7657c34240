import type { Terminal, TerminalScreen } from './terminal.svelte.ts';

/** Ids of terminals, side by side behind each tab, in the order of the tabs. */
export type Arrangement = readonly (readonly string[])[];

interface Group<S extends TerminalScreen> {
  key: string;
  terminals: Terminal<S>[];
}

const idOf = <S extends TerminalScreen>({ link }: Terminal<S>): string => link.terminalId ?? '';

export const idsOf = <S extends TerminalScreen>(groups: readonly Group<S>[]): Arrangement =>
  groups.map(({ terminals }) => terminals.map(idOf).filter((id) => id !== '')).filter((ids) => ids.length > 0);

/** Groups as they stood; what nobody knew then comes behind. */
export function arranged<S extends TerminalScreen>(groups: readonly Group<S>[], as: Arrangement): Group<S>[] {
  const all = groups.flatMap(({ terminals }) => terminals);
  const placed = as.flatMap((ids) => {
    const terminals = ids.flatMap((id) => all.filter((each) => idOf(each) === id));
    return terminals[0] === undefined ? [] : [{ key: terminals[0].key, terminals }];
  });
  const known = new Set(as.flat());
  return [...placed, ...groups.filter(({ terminals }) => terminals.every((each) => !known.has(idOf(each))))];
}

/** A list with one of it elsewhere, within its ends. */
export function moved<Item>(list: readonly Item[], from: number, to: number): Item[] {
  const rest = list.filter((_item, at) => at !== from);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), ...list.slice(from, from + 1), ...rest.slice(place)];
}
