import { GROUPS, type ChangeGroup, type ChangeRow } from './changes.ts';

/** A line of the list: the head of a group, or a file of it. */
export type Line = { kind: 'group'; group: ChangeGroup; count: number; open: boolean } | { kind: 'file'; row: ChangeRow };

/** the same for the same line, however the list changes around it */
export const keyOf = (line: Line): string => (line.kind === 'group' ? line.group : `${line.row.group}:${line.row.path}`);

export function linesOf(rows: Record<ChangeGroup, readonly ChangeRow[]>, closed: ReadonlySet<ChangeGroup>): Line[] {
  return GROUPS.filter((group) => rows[group].length > 0).flatMap((group): Line[] => {
    const head: Line = { kind: 'group', group, count: rows[group].length, open: !closed.has(group) };
    return [head, ...(head.open ? rows[group].map((row): Line => ({ kind: 'file', row })) : [])];
  });
}

export type ChangeStep = { kind: 'go'; to: number } | { kind: 'toggle' | 'open' | 'stage' | 'discard' } | null;

/** What a key does in the list; null when it means nothing there. */
export function stepOf(lines: readonly Line[], at: number, key: string): ChangeStep {
  const go = (to: number): ChangeStep => ({ kind: 'go', to: Math.max(0, Math.min(lines.length - 1, to)) });
  const line = lines[at];
  switch (key) {
    case 'ArrowDown':
      return go(at + 1);
    case 'ArrowUp':
      return go(at - 1);
    case 'Home':
      return go(0);
    case 'End':
      return go(lines.length - 1);
    case 'ArrowRight':
      if (line?.kind !== 'group') return null;
      return line.open ? go(at + 1) : { kind: 'toggle' };
    case 'ArrowLeft':
      if (line?.kind === 'group') return line.open ? { kind: 'toggle' } : null;
      return go(lines.findLastIndex((each, index) => index < at && each.kind === 'group'));
    case 'Enter':
      return line?.kind === 'group' ? { kind: 'toggle' } : { kind: 'open' };
    case ' ':
      return { kind: 'stage' };
    case 'Delete':
      return { kind: 'discard' };
    default:
      return null;
  }
}
