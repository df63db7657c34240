import type { Policy } from '@gatehouse/core/access/policy.ts';

type Bounds = Pick<Policy, 'clipboardIn' | 'clipboardOut'>;

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

/** What may be copied out of the page and pasted into it. The page keeps to it; the runner's half is SPEC D3 and D4. */
export class ClipboardRule {
  readonly #bounds: () => Bounds | null;
  readonly #refused: (what: string, why: string) => void;

  constructor(bounds: () => Bounds | null, refused: (what: string, why: string) => void) {
    this.#bounds = bounds;
    this.#refused = refused;
  }

  /** Whether this may go to the clipboard; says so where it may not. */
  mayCopy(text: string): boolean {
    return this.#may('Copying', 'Not copied', this.#bounds()?.clipboardOut ?? null, text);
  }

  /** Whether this may come from the clipboard; says so where it may not. */
  mayPaste(text: string): boolean {
    return this.#may('Pasting', 'Not pasted', this.#bounds()?.clipboardIn ?? null, text);
  }

  #may(act: string, title: string, most: number | null, text: string): boolean {
    if (most === null || text === '' || (most > 0 && bytesOf(text) <= most * 1024)) return true;
    this.#refused(title, `${act} is ${most === 0 ? 'blocked' : `limited to ${most} KB`} by your organisation’s policy.`);
    return false;
  }
}

/**
 * Holds back copies and pastes before anything on the page sees them.
 * @param selected what would be copied from there; null: what the browser itself has selected
 * @returns what takes the guard away
 */
export function guardClipboard(page: EventTarget, rule: ClipboardRule, selected: (from: EventTarget | null) => string | null): () => void {
  const out = (event: Event) => {
    if (!rule.mayCopy(selected(event.target) ?? selectedIn(event.target))) hold(event);
  };
  const into = (event: Event) => {
    const transfer = 'clipboardData' in event ? event.clipboardData : 'dataTransfer' in event ? event.dataTransfer : null;
    const brought = transfer as DataTransfer | null;
    // Files go by the bound of uploads.
    if (brought === null || brought.types.includes('Files')) return;
    if (!rule.mayPaste(brought.getData('text/plain'))) hold(event);
  };
  const listeners = [
    ...(['copy', 'cut', 'dragstart'] as const).map((kind) => [kind, out] as const),
    ...(['paste', 'drop'] as const).map((kind) => [kind, into] as const),
  ];
  for (const [kind, listener] of listeners) page.addEventListener(kind, listener, { capture: true });
  return () => {
    for (const [kind, listener] of listeners) page.removeEventListener(kind, listener, { capture: true });
  };
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
