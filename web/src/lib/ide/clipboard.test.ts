import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClipboardRule, guardClipboard, shareClipboard, STAYS_INSIDE } from './clipboard.ts';

interface Carried {
  text: string;
  types?: string[];
}

/** what a copy put onto the system's clipboard itself */
let written = '';

/** An act on the clipboard at an element, as browsers tell it. */
function act(kind: string, at: Element, { text, types = ['text/plain'] }: Carried = { text: '' }): Event {
  const event = new Event(kind, { bubbles: true, cancelable: true });
  const carried = { types, getData: () => text, setData: (_type: string, data: string) => (written = data) };
  Object.assign(event, kind === 'drop' ? { dataTransfer: carried } : { clipboardData: carried });
  at.dispatchEvent(event);
  return event;
}

function page(bounds: { clipboardIn: number | null; clipboardOut: number | null }, selection: string | null = 'selected') {
  const refused = vi.fn<(what: string, why: string) => void>();
  const stayed = vi.fn<(what: string, why: string) => void>();
  const blocked = vi.fn<(act: string, bytes: number) => void>();
  const write = vi.fn<(text: string) => void>();
  const heard = vi.fn<(event: Event) => void>();
  const box = document.createElement('textarea');
  document.body.append(box);
  for (const kind of ['copy', 'cut', 'dragstart', 'paste', 'drop']) box.addEventListener(kind, heard);
  const rule = new ClipboardRule(() => bounds, { refused, stayed, blocked, write });
  const leave = guardClipboard(window, rule, () => selection);
  cleanups.push(leave, () => box.remove());
  return { box, rule, refused, stayed, blocked, write, heard, leave };
}
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

describe('copies out of the page', () => {
  it.each(['copy', 'cut'])('stay inside where they are blocked, which is said once and kindly: %s', (kind) => {
    const { box, stayed, refused, heard, blocked } = page({ clipboardIn: null, clipboardOut: 0 });
    expect([act(kind, box).defaultPrevented, act(kind, box).defaultPrevented]).toEqual([true, true]);
    expect(heard).not.toHaveBeenCalled();
    expect(written).toBe(STAYS_INSIDE);
    expect(stayed).toHaveBeenCalledExactlyOnceWith('Copied inside the workspace', expect.stringContaining('Copying out is blocked'));
    expect(refused).not.toHaveBeenCalled();
    expect(blocked.mock.calls).toEqual([
      [kind, 8],
      [kind, 8],
    ]);
  });

  it('are never dragged where they are blocked: nobody knows where a drag ends', () => {
    const { box, refused, blocked } = page({ clipboardIn: null, clipboardOut: 0 });
    expect(act('dragstart', box).defaultPrevented).toBe(true);
    expect(refused).toHaveBeenCalledWith('Not dragged', 'Dragging text is blocked by your organisation’s policy.');
    expect(blocked).toHaveBeenCalledWith('drag', 8);
  });

  it('that stayed inside paste anywhere inside, whatever the bound of pastes, until something newer is copied elsewhere', () => {
    const { box, rule } = page({ clipboardIn: 0, clipboardOut: 0 }, 'kept here');
    act('copy', box);
    box.value = 'say: ';
    box.setSelectionRange(5, 5);
    act('paste', box, { text: STAYS_INSIDE });
    expect(box.value).toBe('say: kept here');
    expect(rule.insideOf('from elsewhere')).toBeNull();
    expect(act('paste', box, { text: 'from elsewhere' }).defaultPrevented).toBe(true);
    expect(box.value).toBe('say: kept here');
  });

  it('cut what they take inside', () => {
    const { box, rule } = page({ clipboardIn: null, clipboardOut: 0 }, null);
    box.value = 'one two';
    box.setSelectionRange(0, 4);
    act('cut', box);
    expect([box.value, rule.kept]).toEqual(['two', 'one ']);
  });

  it('by a button or a key go the same ways', () => {
    const inside = page({ clipboardIn: null, clipboardOut: 0 });
    inside.rule.copy('a path');
    expect([inside.write.mock.calls, inside.rule.kept]).toEqual([[[STAYS_INSIDE]], 'a path']);
    const free = page({ clipboardIn: null, clipboardOut: null });
    free.rule.copy('a path');
    expect([free.write.mock.calls, free.rule.kept]).toEqual([[['a path']], null]);
  });

  it('pass up to their bound, counted in bytes', () => {
    const { box, heard } = page({ clipboardIn: null, clipboardOut: 1 }, 'ä'.repeat(512));
    expect([act('copy', box).defaultPrevented, heard.mock.calls.length]).toEqual([false, 1]);
    const over = page({ clipboardIn: null, clipboardOut: 1 }, 'ä'.repeat(513));
    expect(act('copy', over.box).defaultPrevented).toBe(true);
    expect(over.stayed).toHaveBeenCalledWith('Copied inside the workspace', expect.stringContaining('limited to 1 KB'));
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

it('what stayed inside pastes in the other tabs of the workspace, and in no other workspace', async () => {
  const [here, there, elsewhere] = [0, 1, 2].map(() => page({ clipboardIn: null, clipboardOut: 0 }));
  if (here === undefined || there === undefined || elsewhere === undefined) throw new Error('unreachable');
  cleanups.push(shareClipboard(here.rule, 'w1'), shareClipboard(there.rule, 'w1'), shareClipboard(elsewhere.rule, 'w2'));
  here.rule.copy('a path');
  await expect.poll(() => there.rule.insideOf(STAYS_INSIDE)).toBe('a path');
  expect(elsewhere.rule.insideOf(STAYS_INSIDE)).toBeNull();
});
