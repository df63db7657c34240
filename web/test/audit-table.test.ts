import { fireEvent, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import EventTableHarness from './EventTableHarness.svelte';
import type { events } from '../src/lib/api/audit.ts';
import { AuditLog } from '../src/lib/audit/log.svelte.ts';
import { session } from '../src/lib/session/session.svelte.ts';
import { answerWith, jsonAnswer } from './api.ts';
import { auditEvent, me } from './data.ts';

/** What is seen is told by hand: jsdom has no layout. */
const watched = new Map<Element, (seen: boolean) => void>();
class FakeObserver {
  readonly #tell: IntersectionObserverCallback;
  constructor(tell: IntersectionObserverCallback) {
    this.#tell = tell;
  }
  observe(target: Element) {
    watched.set(target, (seen) => {
      this.#tell([{ isIntersecting: seen } as IntersectionObserverEntry], this as unknown as IntersectionObserver);
      flushSync();
    });
  }
  disconnect = () => undefined;
}

const COUNT = 350;
const read = vi.fn<typeof events>(async ({ limit = 100, cursor }) => {
  const from = cursor === undefined ? COUNT : Number(cursor);
  const items = Array.from({ length: Math.min(limit, from) }, (_, index) => auditEvent(from - index));
  const left = from - items.length;
  return { items, nextCursor: left > 0 ? String(left) : null, hasMore: left > 0, progress: null };
});

async function shown() {
  const log = new AuditLog(read);
  await log.load(() => ({}));
  const { container } = render(EventTableHarness, { log });
  flushSync();
  const blocks = () => [...container.querySelectorAll('tbody')];
  const see = (block: Element | undefined, seen: boolean) => watched.get(block ?? expect.fail('no block'))?.(seen);
  return { log, container, blocks, see };
}
const rows = (within: Element) => within.querySelectorAll('tr[data-row]').length;

beforeEach(() => {
  watched.clear();
  vi.stubGlobal('IntersectionObserver', FakeObserver);
  answerWith(() => jsonAnswer({ items: [], nextCursor: null, counts: {} }));
  session.me = me();
});

describe('the rows of the audit log', () => {
  it('are put away while nobody sees them, at the height that they had, and come back', async () => {
    const { log, container, blocks, see } = await shown();
    await log.more();
    flushSync();
    expect(blocks().map(rows)).toEqual([100, 100]);
    const [first] = blocks();
    vi.spyOn(first ?? expect.fail(), 'getBoundingClientRect').mockReturnValue({ height: 3026 } as DOMRect);
    see(first, false);
    expect(blocks().map(rows)).toEqual([0, 100]);
    expect(container.querySelector<HTMLElement>('.away td')?.style.height).toBe('3026px');
    see(first, true);
    expect(blocks().map(rows)).toEqual([100, 100]);
  });

  it('stay while the focus is among them', async () => {
    const { blocks, see } = await shown();
    const [first] = blocks();
    first?.querySelector<HTMLElement>('button')?.focus();
    see(first, false);
    expect(rows(first ?? expect.fail())).toBe(100);
  });

  it('are read on when their end comes near, page by page until the log begins', async () => {
    const { log, container } = await shown();
    const end = container.querySelector('.scroll')?.lastElementChild ?? expect.fail('no end');
    watched.get(end)?.(true);
    await vi.waitFor(() => expect(log.nextCursor).toBeNull());
    expect(log.count).toBe(COUNT);
    expect(await screen.findByText('the end')).toBeTruthy();
  });

  it('name a day once, also where one page goes over into the next', async () => {
    const { log, container } = await shown();
    await log.more();
    flushSync();
    expect(container.querySelectorAll('tr.group')).toHaveLength(1);
  });

  it('open their details one at a time, and Escape closes them', async () => {
    const { container } = await shown();
    const buttons = [...container.querySelectorAll<HTMLElement>('tr[data-row] button')];
    await fireEvent.click(buttons[0] ?? expect.fail());
    await fireEvent.click(buttons[1] ?? expect.fail());
    expect(container.querySelectorAll('tr.detail')).toHaveLength(1);
    await fireEvent.keyDown(window, { key: 'Escape' });
    expect(container.querySelectorAll('tr.detail')).toHaveLength(0);
  });
});
