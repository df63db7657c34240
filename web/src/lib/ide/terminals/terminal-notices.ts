import type { News } from '../people/news.ts';
import { lasted } from './command-words.ts';

/** A command that ran for less was waited for. */
export const LONG_MS = 10_000;

export interface NoticePorts {
  /** whether somebody looks at that terminal now */
  seen(): boolean;
  /** whether the page is in sight at all */
  visible(): boolean;
  wanted(): { bell: boolean; finished: boolean };
  tell(news: News): void;
  /** by the system, where somebody allowed it */
  notify(title: string, body: string): void;
}

/** What marks a terminal's tab until somebody looks. */
export type Mark = 'bell' | 'done' | 'failed';

/** Says what happened in a terminal that nobody looks at. It names the terminal, never what ran: that may be secret. */
export class TerminalNotices {
  readonly #ports: NoticePorts;
  readonly #mark: (mark: Mark) => void;

  constructor(ports: NoticePorts, mark: (mark: Mark) => void) {
    this.#ports = ports;
    this.#mark = mark;
  }

  rang(): void {
    if (this.#ports.wanted().bell && !this.#ports.seen()) this.#mark('bell');
  }

  /** @param took milliseconds; null: it began before this page looked */
  finished(name: string, took: number | null, exit: number | null): void {
    if (took === null || took < LONG_MS || !this.#ports.wanted().finished || this.#ports.seen()) return;
    const failed = exit !== null && exit !== 0;
    this.#mark(failed ? 'failed' : 'done');
    const detail = failed ? `It failed with ${exit} after ${lasted(took)}.` : `It took ${lasted(took)}.`;
    const title = `What ran in “${name}” has ended`;
    if (this.#ports.visible()) this.#ports.tell({ title, detail, weighty: false });
    else this.#ports.notify(title, detail);
  }
}
