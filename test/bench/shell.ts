import type { Line } from './system.ts';
import { within } from './measure.ts';

/** A system, as far as a shell needs it. */
interface Opens<Wire extends Line> {
  open(onBytes: (bytes: Uint8Array) => void, via?: number): Promise<Wire>;
}

const TAIL = 512;
const PROMPT = 'READY> ';

/** Types into a line and waits for what it prints. */
export class Shell<Wire extends Line = Line> {
  /** bytes of output so far */
  total = 0;
  #line: Wire | null = null;
  #pieces: Uint8Array[] | null = null;
  #tail = '';
  #look: () => void = () => undefined;

  /**
   * A shell with its own first prompt.
   * @param via port to dial instead of the server's own
   */
  static async at<Wire extends Line>(system: Opens<Wire>, via?: number): Promise<Shell<Wire>> {
    const shell = new Shell<Wire>();
    shell.#line = await system.open((bytes) => shell.#take(bytes), via);
    try {
      await shell.#firstPrompt();
      return shell;
    } catch (error) {
      await shell.close();
      throw error;
    }
  }

  /** the newest output */
  get tail(): string {
    return this.#tail;
  }

  /** the newest byte, to be compared with what was typed */
  get newest(): string {
    return this.#tail.slice(-1);
  }

  /** the wire under it, for what else it can do */
  get line(): Wire {
    if (this.#line === null) throw new Error('The shell is not open yet');
    return this.#line;
  }

  type(text: string): void {
    this.#line?.send(Buffer.from(text));
  }

  pause(): void {
    this.#line?.pause();
  }

  resume(): void {
    this.#line?.resume();
  }

  async close(): Promise<void> {
    await this.#line?.close();
  }

  /** @throws Error with the end of the output when it does not come */
  async waitFor(what: string, holds: () => boolean, seconds = 30): Promise<void> {
    if (holds()) return;
    const shown = new Promise<void>((resolve) => {
      this.#look = () => holds() && resolve();
    });
    try {
      await within(seconds, what, shown);
    } catch (error) {
      throw new Error(`${String(error)}; the output ends with ${JSON.stringify(this.#tail.slice(-200))}`, { cause: error });
    } finally {
      this.#look = () => undefined;
    }
  }

  /** Whatever it looks like. */
  async #firstPrompt(): Promise<void> {
    // eslint-disable-next-line no-control-regex -- colours may stand behind it
    await this.waitFor('the first prompt', () => /[$#] (\x1b\[[0-9;?]*[A-Za-z])*$/.test(this.#tail));
  }

  /** Makes the prompt known. The words are typed apart, so that the echo is not taken for them. */
  async settle(): Promise<void> {
    this.type("bind 'set enable-bracketed-paste off'; PS1='REA''DY> '\n");
    await this.prompt();
  }

  /** whether the newest output holds the text */
  seen(text: string): boolean {
    return this.#tail.includes(text);
  }

  prompt(seconds = 30): Promise<void> {
    return this.waitFor('the prompt', () => this.#tail.endsWith(PROMPT), seconds);
  }

  /** Runs a program with the terminal raw; its output comes behind the line GO. */
  raw(command: string): void {
    this.type(`stty raw -echo; printf 'G''O\\n'; ${command}\n`);
  }

  begun(): Promise<void> {
    return this.waitFor('the program', () => this.#tail.includes('GO\n'));
  }

  /** Keeps the output from now on. @returns what takes it back */
  keep(): () => Buffer {
    const pieces: Uint8Array[] = [];
    this.#pieces = pieces;
    return () => {
      this.#pieces = null;
      return Buffer.concat(pieces);
    };
  }

  #take(bytes: Uint8Array): void {
    this.total += bytes.byteLength;
    this.#pieces?.push(bytes);
    this.#tail = (this.#tail + Buffer.from(bytes.subarray(-TAIL)).toString('latin1')).slice(-TAIL);
    this.#look();
  }
}
