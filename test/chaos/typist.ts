import type { PageTerminal } from '../support/page-terminal.ts';

const WORD = /\[(\d+)\.(\d+)\]/g;

/** Types numbered words into one terminal of a page: each page load is a typist of its own. */
export class Typist {
  readonly number: number;
  readonly terminalId: string;
  readonly #terminal: PageTerminal;
  /** words so far */
  count = 0;

  constructor(number: number, terminal: PageTerminal) {
    this.number = number;
    this.terminalId = terminal.id;
    this.#terminal = terminal;
  }

  type(words: number): void {
    let text = '';
    for (let left = words; left > 0; left--) text += `[${this.number}.${this.count++}]`;
    this.#terminal.type(text);
  }
}

/**
 * What is wrong with what was recorded of them: each one's words must be there once and in order, up to the last, or,
 * where the page was left in between, up to some word.
 * @param stayed those whose pages are still there
 */
export function faultsOf(typed: string, typists: Typist[], stayed: Set<Typist>): string[] {
  const words = new Map<number, number[]>();
  for (const [, number, count] of typed.matchAll(WORD)) {
    words.set(Number(number), [...(words.get(Number(number)) ?? []), Number(count)]);
  }
  return typists.flatMap((typist) => {
    const { number, count } = typist;
    const heard = words.get(number) ?? [];
    const stray = heard.findIndex((word, index) => word !== index);
    if (stray >= 0) return [`typist ${number}: word ${heard[stray]} came where ${stray} was due`];
    return stayed.has(typist) && heard.length !== count ? [`typist ${number}: ${heard.length} of ${count} words came`] : [];
  });
}

/** what is left of words that were torn by somebody's leaving */
export const torn = (typed: string): string => typed.replaceAll(WORD, '');
