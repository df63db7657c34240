import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { ServiceFailure } from '../../service-failure.ts';
import { makeExpendable } from '../expendable.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { Window } from '../paced.ts';

/** The npm package that has ripgrep for this machine. */
export const ripgrepPackage = (): string => `@vscode/ripgrep-${process.platform}-${process.arch}`;

const program = (): string => join(dirname(createRequire(import.meta.url).resolve(`${ripgrepPackage()}/package.json`)), 'bin', 'rg');

/** Whatever the workspace's own settings say: all files that git would not ignore, hidden ones, too. */
const ALWAYS = ['--no-config', '--hidden', '--no-require-git', '--no-ignore-parent', '--no-ignore-global', '--threads=2'];
/** Behind the globs of who asks, because the last one counts. */
const NEVER = ['--glob=!**/.git/**'];

/** What is sent at once; less, when nothing has come for a moment. */
const BATCH = 16 * 1024;
const MOMENT_MS = 20;
/** of what ripgrep complains */
const MOST_SAID = 2000;

export interface Search {
  arguments: readonly string[];
  /** between two of its answers */
  separator: number;
  /** an answer as a line for the page; null: it is none. `'full'`: enough is found */
  lineOf(answer: Buffer): string | null | 'full';
}

/** Runs ripgrep in the workspace's root and streams what it finds, never further ahead of the reader than the window. */
export function runRipgrep(root: string, search: Search, stream: Stream): StreamEvents {
  const child = spawn(program(), [...ALWAYS, ...search.arguments, ...NEVER, '--', '.'], {
    cwd: root,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  makeExpendable(child.pid);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(0, MOST_SAID)));
  const ended = new Promise<number | null>((resolve) => child.on('error', () => resolve(null)).on('close', resolve));
  const batches = new Batches(stream);
  const run = async () => {
    let truncated = false;
    const split = splitBy(search.separator);
    for await (const piece of child.stdout as AsyncIterable<Buffer>) {
      for (const answer of split(piece)) {
        const line = search.lineOf(answer);
        truncated = line === 'full';
        if (truncated || batches.window.cancelled) break;
        // Each wait costs a round of the loop: of a hundred thousand names, only those wait that must.
        if (line !== null && batches.add(line)) await batches.window.room();
      }
      if (truncated || batches.window.cancelled) break;
    }
    child.kill('SIGKILL');
    const code = await ended;
    // 2 with something found: some files could not be read, which is said by leaving them out.
    if (code === 2 && !batches.began && /error/i.test(said)) throw new ServiceFailure('invalid', complaintOf(said));
    await batches.end(JSON.stringify({ end: true, truncated }));
  };
  run().catch((error: unknown) => stream.fail(error));
  return {
    ack: (offset) => batches.window.taken(offset),
    reset: () => {
      batches.window.cancel();
      child.kill('SIGKILL');
    },
  };
}

/** "regex parse error: … error: unclosed group" without the name of the program. */
const complaintOf = (said: string): string => {
  const last = said.trim().split('\n').at(-1) ?? '';
  return last.replace(/^(rg: )?(error: )?/, '') || 'This can’t be searched for';
};

/** Lines that are sent together. */
class Batches {
  readonly window = new Window();
  readonly #stream: Stream;
  #lines: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  began = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** @returns whether it went off with those before it, so that room may be short */
  add(line: string): boolean {
    this.#lines.push(line);
    this.#length += line.length;
    const isFull = this.#length >= BATCH;
    if (isFull) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), MOMENT_MS);
    return isFull;
  }

  async end(line: string): Promise<void> {
    if (this.add(line)) await this.window.room();
    this.#flush();
    if (!this.window.cancelled) this.#stream.fin();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.window.cancelled || this.#lines.length === 0) return;
    if (!this.began) this.#stream.head({ ok: true });
    this.began = true;
    const bytes = Buffer.from(this.#lines.map((line) => `${line}\n`).join(''));
    this.#lines = [];
    this.#length = 0;
    this.window.sent(bytes.byteLength);
    this.#stream.data(bytes);
  }
}

/** What stands between the separators, piece after piece; what has none at its end is left out. */
function splitBy(separator: number): (piece: Buffer) => Generator<Buffer> {
  let rest: Buffer[] = [];
  return function* (piece) {
    let from = 0;
    for (let at = piece.indexOf(separator); at >= 0; at = piece.indexOf(separator, from)) {
      const end = piece.subarray(from, at);
      yield rest.length === 0 ? end : Buffer.concat([...rest, end]);
      rest = [];
      from = at + 1;
    }
    if (from < piece.byteLength) rest.push(piece.subarray(from));
  };
}
