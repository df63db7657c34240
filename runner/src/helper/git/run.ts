import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import process from 'node:process';
import { ServiceFailure } from '../../service-failure.ts';
import { makeExpendable } from '../expendable.ts';

/** of what git complains or tells */
const MOST_SAID = 200_000;
const MOST_READ = 32 * 1024 * 1024;
const KILL_AFTER = 3000;

/** Whatever the repository's own settings say: no colours, no pager, names as they are; conflicts show what was there before. */
const ALWAYS = [
  ...['--no-pager', '-c', 'core.quotePath=false', '-c', 'color.ui=false', '-c', 'advice.detachedHead=false'],
  ...['-c', 'merge.conflictStyle=diff3'],
];

/** What takes paths: a name is a name there and no pattern. Others call git themselves, with patterns. */
const TAKES_PATHS = new Set(['status', 'add', 'reset', 'rm', 'restore', 'ls-files', 'log', 'blame']);

/** Variables by which a template could lead git to another repository. */
const MISLEADING = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_NAMESPACE'];

export interface GitResult {
  code: number | null;
  out: Buffer;
  /** what it complained */
  said: string;
  /** it had more to say than was wanted */
  truncated: boolean;
}

export interface GitRun {
  /** bytes for its standard input */
  input?: Uint8Array;
  /** of its output; beyond it is ended */
  most?: number;
  /** it changes the repository: it may take locks, and its hooks run */
  changes?: boolean;
  environment?: Record<string, string>;
  /** is told what it complains, as it comes */
  hear?: (text: string) => void;
}

/** Git in one folder of the workspace, as a person's own program would run it: with their settings, hooks and rights. */
export class Git {
  readonly #environment: Record<string, string>;
  readonly #signal: AbortSignal;
  readonly folder: string;

  constructor(environment: Record<string, string>, folder: string, signal: AbortSignal) {
    this.#environment = environment;
    this.folder = folder;
    this.#signal = signal;
  }

  get cancelled(): boolean {
    return this.#signal.aborted;
  }

  /** @returns what it printed. @throws ServiceFailure where it did not end well */
  async read(args: readonly string[], options: GitRun = {}): Promise<Buffer> {
    const { code, out, said, truncated } = await this.run(args, options);
    if (code !== 0 && !truncated) throw new ServiceFailure('invalid', complaintOf(said));
    return out;
  }

  run(args: readonly string[], options: GitRun = {}): Promise<GitResult> {
    if (this.#signal.aborted) return Promise.reject(new ServiceFailure('invalid', 'It was cancelled'));
    const literal = TAKES_PATHS.has(args[0] ?? '') ? ['--literal-pathspecs'] : [];
    const child = spawn('git', [...ALWAYS, ...literal, ...args], {
      cwd: this.folder,
      env: { ...this.#variables(options.changes ?? false), ...options.environment },
      // A group of its own, so that its hooks and helpers end with it; no terminal, so that nothing can ask.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    makeExpendable(child.pid);
    const kill = (signal: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // it has ended already
      }
    };
    // By SIGTERM git takes its locks away.
    const stop = () => {
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), KILL_AFTER).unref();
    };
    this.#signal.addEventListener('abort', stop, { once: true });
    const most = options.most ?? MOST_READ;
    const pieces: Buffer[] = [];
    let length = 0;
    let said = '';
    child.stdout.on('data', (piece: Buffer) => {
      if (length > most) return;
      pieces.push(piece);
      length += piece.byteLength;
      if (length > most) stop();
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      if (said.length < MOST_SAID) options.hear?.(piece);
      said = (said + piece).slice(-MOST_SAID);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
    return new Promise((resolve, reject) => {
      const over = () => this.#signal.removeEventListener('abort', stop);
      child.on('error', () => {
        over();
        reject(new ServiceFailure('not-found', 'Git is not installed in this workspace'));
      });
      child.on('close', (code) => {
        over();
        resolve({ code, out: Buffer.concat(pieces).subarray(0, most), said, truncated: length > most });
      });
    });
  }

  #variables(changes: boolean): Record<string, string> {
    const own = Object.fromEntries(Object.entries(this.#environment).filter(([name]) => !MISLEADING.includes(name)));
    return {
      ...own,
      // English, and names in UTF-8; a hook may print anything.
      ...{ LC_ALL: 'C.UTF-8', LANGUAGE: '' },
      ...{ GIT_TERMINAL_PROMPT: '0', SSH_ASKPASS_REQUIRE: 'never', GIT_EDITOR: ':', GIT_SEQUENCE_EDITOR: ':', GIT_PAGER: 'cat' },
      // A folder that is no repository is not one because of the folders above.
      GIT_CEILING_DIRECTORIES: dirname(this.folder),
      // Looking must not get into the way of who works in a terminal.
      ...(changes ? {} : { GIT_OPTIONAL_LOCKS: '0' }),
    };
  }
}

/** "fatal: bad revision 'x'" without the names of programs, the last that was said. */
export function complaintOf(said: string): string {
  const lines = said
    .split(/[\r\n]/)
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('hint:'));
  const fatal = lines.find((each) => /^(fatal|error): /.test(each)) ?? lines.at(-1);
  const words = (fatal ?? '').replace(/^(fatal|error|remote): (error: )?/, '').slice(0, 1000);
  return words === '' ? 'Git did not do it, and did not say why' : words[0]?.toUpperCase() + words.slice(1);
}

/** Stands where bytes are no UTF-8: such a name could not be asked for. */
export const UNREADABLE = '\uFFFD';

/** What stands between NULs; none at the end. */
export const fieldsOf = (bytes: Buffer): string[] => {
  const text = bytes.toString();
  const fields = text.split('\0');
  if (fields.at(-1) === '') fields.pop();
  return fields;
};
