import type { AuditEvent } from '@gatehouse/core/audit/event.ts';

/** Rows that are drawn together: few enough that one frame draws them. */
export const BLOCK = 25;

/** One answer of the API: what is put away together, and how it is asked for again. */
export interface Page {
  cursor: string;
  limit: number;
}

/** Events that are drawn together. Of those that are put away only what is needed to draw their place is left. */
export interface Block {
  key: number;
  /** null: what is newest, for which there is no cursor and which therefore stays */
  page: Page | null;
  /** null while they are put away */
  events: readonly AuditEvent[] | null;
  ids: { first: string; last: string };
  count: number;
  /** times of the first and of the last one */
  first: string;
  last: string;
}

/** @param keyOf gives each block another key */
export function blocksOf(events: readonly AuditEvent[], page: Page | null, keyOf: () => number): Block[] {
  return Array.from({ length: Math.ceil(events.length / BLOCK) }, (_, index) =>
    blockOf(events.slice(index * BLOCK, (index + 1) * BLOCK), page, keyOf()),
  );
}

export function blockOf(events: readonly AuditEvent[], page: Page | null, key: number): Block {
  const [first, last] = [events.at(0), events.at(-1)];
  if (first === undefined || last === undefined) throw new Error('A block has events');
  return { key, page, events, ids: { first: first.id, last: last.id }, count: events.length, first: first.time, last: last.time };
}

/**
 * Puts pages away until no more than `most` events are held: those that are furthest from the blocks between `first` and `last`.
 * @returns the same list where nothing is to be done
 */
export function putAway(blocks: readonly Block[], first: number, last: number, most: number): readonly Block[] {
  let held = heldIn(blocks);
  if (held <= most) return blocks;
  const distances = new Map<Page, { far: number; count: number }>();
  for (const [index, { page, events, count }] of blocks.entries()) {
    if (page === null || events === null) continue;
    const away = Math.max(0, first - index, index - last);
    const before = distances.get(page);
    distances.set(page, { far: Math.min(away, before?.far ?? away), count: count + (before?.count ?? 0) });
  }
  const gone = new Set<Page>();
  for (const [page, { far, count }] of [...distances].sort(([, a], [, b]) => b.far - a.far)) {
    if (held <= most || far === 0) break;
    gone.add(page);
    held -= count;
  }
  return blocks.map((block) => (block.page !== null && gone.has(block.page) ? { ...block, events: null } : block));
}

export const heldIn = (blocks: readonly Block[]): number =>
  blocks.reduce((sum, { events, count }) => sum + (events === null ? 0 : count), 0);

/**
 * The blocks with the events of a page that was read again, each where it stood. What is not among them any more stays away:
 * the log may have been purged.
 */
export function restored(blocks: readonly Block[], page: Page, events: readonly AuditEvent[]): readonly Block[] {
  const at = new Map(events.map(({ id }, index) => [id, index]));
  return blocks.map((block) => {
    if (block.page !== page) return block;
    const [from, to] = [at.get(block.ids.first), at.get(block.ids.last)];
    return from === undefined || to === undefined ? block : { ...block, events: events.slice(from, to + 1), count: to + 1 - from };
  });
}
