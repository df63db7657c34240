import { parentOf } from './paths.ts';
import type { TreeRow } from './tree.svelte.ts';

export type TreeStep = { kind: 'go'; path: string } | { kind: 'toggle' | 'open' | 'rename' | 'remove' };

/** lines that a page is */
const PAGE = 15;

/** What a key does in the tree, as the ARIA practices for trees say; null when it means nothing there. */
export function stepTo(rows: readonly TreeRow[], current: TreeRow, key: string): TreeStep | null {
  const at = rows.findIndex(({ path }) => path === current.path);
  const go = (row: TreeRow | undefined): TreeStep | null => (row === undefined ? null : { kind: 'go', path: row.path });
  switch (key) {
    case 'ArrowDown':
      return go(rows[at + 1]);
    case 'ArrowUp':
      return go(rows[at - 1]);
    case 'Home':
      return go(rows[0]);
    case 'End':
      return go(rows.at(-1));
    case 'PageDown':
      return go(rows[Math.min(rows.length - 1, at + PAGE)]);
    case 'PageUp':
      return go(rows[Math.max(0, at - PAGE)]);
    case 'ArrowRight':
      if (current.expanded === null) return null;
      return current.expanded ? go(rows[at + 1]?.level === current.level + 1 ? rows[at + 1] : undefined) : { kind: 'toggle' };
    case 'ArrowLeft':
      return current.expanded === true ? { kind: 'toggle' } : go(rows.find(({ path }) => path === parentOf(current.path)));
    case 'Enter':
    case ' ':
      return { kind: 'open' };
    case 'F2':
      return { kind: 'rename' };
    case 'Delete':
      return { kind: 'remove' };
    default:
      return key.length === 1 ? go(startingWith(rows, at, key)) : null;
  }
}

/** The next line whose name starts with the letter, around the end. */
function startingWith(rows: readonly TreeRow[], at: number, letter: string): TreeRow | undefined {
  const from = [...rows.slice(at + 1), ...rows.slice(0, at + 1)];
  return from.find(({ entry }) => entry.name.toLowerCase().startsWith(letter.toLowerCase()));
}
