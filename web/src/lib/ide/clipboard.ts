import type { BlockedAct } from '@gatehouse/core/api/blocked-acts.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';

type Bounds = Pick<Policy, 'clipboardIn' | 'clipboardOut'>;

export interface ClipboardEvents {
  /** says what was held back, and why */
  refused(what: string, why: string): void;
  /** says that a copy stays inside, and why; once for each page */
  stayed(what: string, why: string): void;
  /** for the trail */
  blocked(act: BlockedAct, bytes: number): void;
  /** puts this onto the clipboard of the system */
  write(text: string): void;
}

export const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

/** What the system's clipboard gets in place of text that stays inside: whoever pastes it elsewhere reads why. */
export const STAYS_INSIDE = 'This text was copied in a Gatehouse workspace and stays in there: paste it inside the workspace.';

/**
 * What may be copied out of the page and pasted into it. What may not go out goes to a clipboard of the workspace, which pastes anywhere
 * inside and which the system never sees. The page keeps to it; the runner's half is SPEC D3 and D4.
 */
export class ClipboardRule {
  readonly #bounds: () => Bounds | null;
  readonly #events: ClipboardEvents;
  #kept: string | null = null;
  /** tells other tabs of this workspace what stayed inside */
  share: (text: string) => void = () => undefined;
  #wasTold = false;

  constructor(bounds: () => Bounds | null, events: ClipboardEvents) {
    this.#bounds = bounds;
    this.#events = events;
  }

  /** Whether this may go to the system's clipboard, which the caller then gives it. What may not is kept inside, and that is said. */
  mayCopy(text: string): boolean {
    const may = this.mayLeave(text, 'copy');
    if (!may) this.#events.write(STAYS_INSIDE);
    return may;
  }

  /** Like `mayCopy`, where the caller gives the system its stand-in, too. */
  mayLeave(text: string, act: 'copy' | 'cut'): boolean {
    const most = this.#bounds()?.clipboardOut ?? null;
    if (fits(text, most)) {
      if (text !== '') this.#kept = null;
      return true;
    }
    this.#kept = text;
    this.share(text);
    this.#events.blocked(act, bytesOf(text));
    if (!this.#wasTold)
      this.#events.stayed(
        'Copied inside the workspace',
        `${ofPolicy('Copying out', most)} This text pastes anywhere in the workspace, and nowhere else.`,
      );
    this.#wasTold = true;
    return false;
  }

  /** Copies what a page's button or a terminal's key asks for: to the system, or where that may not be, inside. @returns whether it left */
  copy(text: string): boolean {
    const leaves = this.mayCopy(text);
    if (leaves) this.#events.write(text);
    return leaves;
  }

  /** Whether this may be dragged: a drag can end anywhere. */
  mayDrag(text: string): boolean {
    return this.#may('drag', 'Not dragged', 'Dragging text', this.#bounds()?.clipboardOut ?? null, text);
  }

  /** Whether this may come in from elsewhere; says so where it may not. */
  mayPaste(text: string, act: 'paste' | 'drop' = 'paste'): boolean {
    return this.#may(act, 'Not pasted', 'Pasting', this.#bounds()?.clipboardIn ?? null, text);
  }

  /** What a paste of this means: the text that stayed inside, where the system only holds its stand-in. */
  insideOf(pasted: string): string | null {
    return pasted === STAYS_INSIDE ? this.#kept : null;
  }

  /** Another tab of this workspace has copied. */
  keep(text: string): void {
    this.#kept = text;
  }

  get kept(): string | null {
    return this.#kept;
  }

  #may(act: BlockedAct, title: string, doing: string, most: number | null, text: string): boolean {
    if (fits(text, most)) return true;
    this.#events.blocked(act, bytesOf(text));
    this.#events.refused(title, ofPolicy(doing, most));
    return false;
  }
}

const fits = (text: string, most: number | null): boolean => most === null || text === '' || (most > 0 && bytesOf(text) <= most * 1024);

const ofPolicy = (doing: string, most: number | null): string =>
  `${doing} is ${most === 0 ? 'blocked' : `limited to ${most} KB`} by your organisation’s policy.`;

/** One clipboard for all tabs of a workspace. @param name of the workspace and its person @returns what ends it */
export function shareClipboard(rule: ClipboardRule, name: string): () => void {
  const channel = new BroadcastChannel(`gatehouse.clipboard.${name}`);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') rule.keep(data);
  };
  rule.share = (text) => channel.postMessage(text);
  return () => {
    rule.share = () => undefined;
    channel.close();
  };
}

/**
 * Holds back copies and pastes before anything on the page sees them.
 * @param selected what would be copied from there; null: what the browser itself has selected
 * @returns what takes the guard away
 */
export function guardClipboard(page: EventTarget, rule: ClipboardRule, selected: (from: EventTarget | null) => string | null): () => void {
  /** pastes that the guard itself makes, of what stayed inside */
  const ours = new WeakSet<Event>();
  const selection = (event: Event) => selected(event.target) ?? selectedIn(event.target);

  const copy = (act: 'copy' | 'cut') => (event: Event) => {
    if (rule.mayLeave(selection(event), act)) return;
    hold(event);
    if ('clipboardData' in event) (event.clipboardData as DataTransfer | null)?.setData('text/plain', STAYS_INSIDE);
    if (act === 'cut') removeSelected(event.target);
  };
  const drag = (event: Event) => {
    if (!rule.mayDrag(selection(event))) hold(event);
  };
  const into = (act: 'paste' | 'drop') => (event: Event) => {
    const brought = transferOf(event);
    // Files go by the bound of uploads.
    if (ours.has(event) || brought === null || brought.types.includes('Files')) return;
    const text = brought.getData('text/plain');
    const inside = act === 'paste' ? rule.insideOf(text) : null;
    if (inside === null) {
      if (!rule.mayPaste(text, act)) hold(event);
      return;
    }
    hold(event);
    insert(event.target, inside, ours);
  };
  const listeners = [
    ['copy', copy('copy')],
    ['cut', copy('cut')],
    ['dragstart', drag],
    ['paste', into('paste')],
    ['drop', into('drop')],
  ] as const;
  for (const [kind, listener] of listeners) page.addEventListener(kind, listener, { capture: true });
  return () => {
    for (const [kind, listener] of listeners) page.removeEventListener(kind, listener, { capture: true });
  };
}

const isField = (target: EventTarget | null): target is HTMLInputElement | HTMLTextAreaElement =>
  target instanceof HTMLInputElement || (target instanceof HTMLTextAreaElement && target.closest('.xterm') === null);

/** Pastes a text as if the system's clipboard held it. The editor and the terminals take an event; fields take only the browser's own. */
function insert(target: EventTarget | null, text: string, ours: WeakSet<Event>): void {
  if (isField(target)) {
    target.setRangeText(text, target.selectionStart ?? 0, target.selectionEnd ?? 0, 'end');
    target.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste', data: text }));
    return;
  }
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
  ours.add(event);
  target?.dispatchEvent(event);
}

/** What a cut does besides copying. */
function removeSelected(target: EventTarget | null): void {
  if (!isField(target)) {
    // Deprecated, and still the one way to delete in an editor as its person would.
    document.execCommand('delete');
    return;
  }
  target.setRangeText('', target.selectionStart ?? 0, target.selectionEnd ?? 0, 'end');
  target.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'deleteByCut' }));
}

function transferOf(event: Event): DataTransfer | null {
  const transfer = 'clipboardData' in event ? event.clipboardData : 'dataTransfer' in event ? event.dataTransfer : null;
  return transfer as DataTransfer | null;
}

function hold(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

function selectedIn(from: EventTarget | null): string {
  if (from instanceof HTMLInputElement || from instanceof HTMLTextAreaElement)
    return from.value.slice(from.selectionStart ?? 0, from.selectionEnd ?? 0);
  return document.getSelection()?.toString() ?? '';
}
