import type { GitSaid } from '@gatehouse/core/protocol/git-answers.ts';

const EVERY_MS = 100;
const MOST_LETTERS = 4000;
const MOST_OUTPUT = 200_000;

/** "Receiving objects:  45% (9/20)": of many a second, the last few are told. What hooks print is told line by line. */
export class Progress {
  readonly #say: (said: GitSaid) => void;
  #rest = '';
  #output = '';
  #told = 0;
  #step: GitSaid | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (said: GitSaid) => void) {
    this.#say = say;
  }

  hear(text: string): void {
    const lines = (this.#rest + text).split(/(?<=[\r\n])/);
    this.#rest = /[\r\n]$/.test(lines.at(-1) ?? '') ? '' : (lines.pop() ?? '').slice(-MOST_LETTERS);
    for (const line of lines) this.#line(line.trimEnd());
    this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS);
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#flush();
  }

  #line(line: string): void {
    const [, words, percent] = /^(?:remote: )?([A-Z][\w ]+):\s+(?:(\d+)% \(.*|\d+.*)$/.exec(line) ?? [];
    if (words !== undefined) this.#step = { kind: 'progress', text: words, percent: percent === undefined ? null : Number(percent) };
    else if (line !== '' && this.#told < MOST_OUTPUT) {
      this.#told += line.length;
      this.#output += `${line.slice(0, MOST_LETTERS)}\n`;
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#step !== null) this.#say(this.#step);
    this.#step = null;
    for (let at = 0; at < this.#output.length; at += MOST_LETTERS)
      this.#say({ kind: 'output', text: this.#output.slice(at, at + MOST_LETTERS) });
    this.#output = '';
  }
}
