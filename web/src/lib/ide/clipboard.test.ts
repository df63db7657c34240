import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClipboardRule, guardClipboard } from './clipboard.ts';

interface Carried {
  text: string;
  types?: string[];
}

/** An act on the clipboard at an element, as browsers tell it. */
function act(kind: string, at: Element, { text, types = ['text/plain'] }: Carried = { text: '' }): Event {
  const event = new Event(kind, { bubbles: true, cancelable: true });
  const carried = { types, getData: () => text };
  Object.assign(event, kind === 'drop' ? { dataTransfer: carried } : { clipboardData: carried });
  at.dispatchEvent(event);
  return event;
}

function page(bounds: { clipboardIn: number | null; clipboardOut: number | null }, selection: string | null = 'selected') {
  const refused = vi.fn<(what: string, why: string) => void>();
  const heard = vi.fn<(event: Event) => void>();
  const box = document.createElement('textarea');
  document.body.append(box);
  for (const kind of ['copy', 'cut', 'dragstart', 'paste', 'drop']) box.addEventListener(kind, heard);
  const leave = guardClipboard(window, new ClipboardRule(() => bounds, refused), () => selection);
  cleanups.push(leave, () => box.remove());
  return { box, refused, heard, leave };
}
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

describe('copies out of the page', () => {
  it.each(['copy', 'cut', 'dragstart'])('are held back before anything sees them where they are blocked: %s', (kind) => {
    const { box, refused, heard } = page({ clipboardIn: null, clipboardOut: 0 });
    expect(act(kind, box).defaultPrevented).toBe(true);
    expect(heard).not.toHaveBeenCalled();
    expect(refused).toHaveBeenCalledWith('Not copied', 'Copying is blocked by your organisation’s policy.');
  });

  it('pass up to their bound, counted in bytes', () => {
    const { box, heard } = page({ clipboardIn: null, clipboardOut: 1 }, 'ä'.repeat(512));
    expect([act('copy', box).defaultPrevented, heard.mock.calls.length]).toEqual([false, 1]);
    const over = page({ clipboardIn: null, clipboardOut: 1 }, 'ä'.repeat(513));
    expect(act('copy', over.box).defaultPrevented).toBe(true);
    expect(over.refused).toHaveBeenCalledWith('Not copied', expect.stringContaining('limited to 1 KB'));
  });

  it('are of what is selected in a field, where nobody else knows', () => {
    const { box } = page({ clipboardIn: null, clipboardOut: 0 }, null);
    expect(act('copy', box).defaultPrevented).toBe(false);
    box.value = 'a name';
    box.setSelectionRange(0, 6);
    expect(act('copy', box).defaultPrevented).toBe(true);
  });
});

describe('pastes into the page', () => {
  it.each(['paste', 'drop'])('are held back beyond their bound: %s', (kind) => {
    const { box, heard, refused } = page({ clipboardIn: 1, clipboardOut: null });
    expect(act(kind, box, { text: 'x'.repeat(1024) }).defaultPrevented).toBe(false);
    expect(act(kind, box, { text: 'x'.repeat(1025) }).defaultPrevented).toBe(true);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(refused).toHaveBeenCalledWith('Not pasted', expect.stringContaining('limited to 1 KB'));
  });

  it('leave files to the bound of uploads', () => {
    const { box } = page({ clipboardIn: 0, clipboardOut: null });
    expect(act('drop', box, { text: 'name', types: ['Files', 'text/plain'] }).defaultPrevented).toBe(false);
  });
});

it('nothing is held back where the policy sets no bound, or once the page is left', () => {
  const free = page({ clipboardIn: null, clipboardOut: null });
  expect(act('copy', free.box).defaultPrevented).toBe(false);
  const bound = page({ clipboardIn: 0, clipboardOut: 0 });
  bound.leave();
  expect(act('paste', bound.box, { text: 'x' }).defaultPrevented).toBe(false);
});
