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

/** Rows of 30 pixels on a screen of 600, scrolled to where the test says. */
let scrolled = 0;
let nextFrame: () => void = () => undefined;
function rect(this: HTMLElement): DOMRect {
  const height = this.querySelectorAll('tr[data-row]').length * 30;
  return { top: this.tagName === 'TABLE' ? -scrolled : 0, height } as DOMRect;
}

async function shown(pages = 1) {
  const log = new AuditLog(read);
  await log.load(() => ({}));
  for (let page = 1; page < pages; page++) await log.more();
  const { container } = render(EventTableHarness, { log });
  flushSync();
  const scrollTo = (top: number) => {
    scrolled = top;
    container.querySelector('.scroll')?.dispatchEvent(new Event('scroll'));
    nextFrame();
    flushSync();
  };
  const seqs = () => [...container.querySelectorAll('tr[data-row] td.r')].map(({ textContent }) => Number(textContent?.replace(',', '')));
  return { log, container, scrollTo, seqs };
}
const gaps = (within: Element) => [...within.querySelectorAll<HTMLElement>('.gap td')].map(({ style }) => style.height);

beforeEach(() => {
  scrolled = 0;
  watched.clear();
  vi.stubGlobal('IntersectionObserver', FakeObserver);
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => ((nextFrame = draw), 1));
  vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockImplementation(rect);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600);
  answerWith(() => jsonAnswer({ items: [], nextCursor: null, counts: {} }));
  session.me = me();
});

// They draw some hundred rows.
describe('the rows of the audit log', { timeout: 20_000 }, () => {
  it('are drawn where one looks and a little beyond; the rest is two gaps of their height', async () => {
    const { container, scrollTo, seqs } = await shown(2);
    expect(seqs()).toEqual(Array.from({ length: 75 }, (_, index) => COUNT - index));
    scrollTo(3_000);
    expect(seqs().length).toBeLessThanOrEqual(125);
    expect(seqs()).toContain(COUNT - 100);
    expect(gaps(container)).toEqual(['1500px', '3750px']);
    scrollTo(0);
    expect(seqs()[0]).toBe(COUNT);
  });

  it('stay while the focus is among them', async () => {
    const { container, scrollTo, seqs } = await shown(2);
    const button = container.querySelector<HTMLElement>('tr[data-row] button') ?? expect.fail();
    button.focus();
    flushSync();
    scrollTo(6_000);
    expect(document.activeElement).toBe(button);
    expect(seqs()[0]).toBe(COUNT);
    expect(gaps(container).length).toBeGreaterThan(0);
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
    const { container } = await shown(2);
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
