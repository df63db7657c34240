/** A program at the other end: keys in, output back. Ends by answering with the program that goes on. */
export interface Program {
  readonly greeting: string;
  key(key: string): string | { output: string; next: Program };
}

// eslint-disable-next-line no-control-regex -- they begin with Escape
const PASTE_MARK = /\x1b\[20[01]~/g;

/** A shell with a line editor: history of one, insertion, erasing, arrows, and commands that start other programs. */
export class Shell implements Program {
  readonly greeting: string;
  readonly #commands: Record<string, (shell: Shell) => Program | string>;
  #line = '';
  #at = 0;
  #last = '';

  constructor(commands: Record<string, (shell: Shell) => Program | string> = {}, prompt = '$ ') {
    this.#commands = commands;
    this.greeting = prompt;
  }

  key(key: string): string | { output: string; next: Program } {
    const rest = this.#line.slice(this.#at);
    switch (key) {
      case '\r':
        return this.#run();
      case '\x7f':
        if (this.#at === 0) return '\x07';
        this.#line = this.#line.slice(0, this.#at - 1) + rest;
        this.#at -= 1;
        return `\b${rest} ${'\b'.repeat(rest.length + 1)}`;
      case '\x1b[D':
        if (this.#at === 0) return '\x07';
        this.#at -= 1;
        return '\b';
      case '\x1b[C':
        if (rest === '') return '\x07';
        this.#at += 1;
        return rest.charAt(0);
      case '\x1b[A':
        return this.#recall();
      case '\x01':
        return '\b'.repeat(this.#at + (this.#at = 0));
      case '\t':
        return '\x07';
      case '\x03':
        this.#line = '';
        this.#at = 0;
        return `^C\r\n${this.greeting}`;
      default:
        return this.#insert(key.replaceAll(PASTE_MARK, ''), rest);
    }
  }

  #insert(text: string, rest: string): string {
    this.#line = this.#line.slice(0, this.#at) + text + rest;
    this.#at += text.length;
    return text + rest + '\b'.repeat(rest.length);
  }

  #recall(): string {
    const back = '\b'.repeat(this.#at);
    this.#line = this.#last;
    this.#at = this.#line.length;
    return `${back}\x1b[K${this.#line}`;
  }

  #run(): string | { output: string; next: Program } {
    const command = this.#line;
    this.#line = '';
    this.#at = 0;
    this.#last = command;
    const result = this.#commands[command]?.(this) ?? (command === '' ? '' : `${command}: ran\r\n`);
    if (typeof result === 'string') return `\r\n${result}${this.greeting}`;
    return { output: `\r\n${result.greeting}`, next: result };
  }
}

/** Reads a line as `read -s` and `sudo` do: nothing is echoed, or a mask for each key. */
export class Secret implements Program {
  readonly greeting = 'Password: ';
  readonly #shell: Shell;
  readonly #mask: string;

  constructor(shell: Shell, mask = '') {
    this.#shell = shell;
    this.#mask = mask;
  }

  key(key: string): string | { output: string; next: Program } {
    return key === '\r' ? { output: `\r\n${this.#shell.greeting}`, next: this.#shell } : this.#mask;
  }
}

/** An editor that has the whole screen; `q` leaves it. */
export class FullScreen implements Program {
  readonly greeting = '\x1b[?1049h';
  readonly #shell: Shell;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  key(key: string): string | { output: string; next: Program } {
    return key === 'q' ? { output: `\x1b[?1049l${this.#shell.greeting}`, next: this.#shell } : key;
  }
}

/** Echoes, but not what was typed. */
export class Shouting implements Program {
  readonly greeting = '> ';
  key(key: string): string {
    return key.toUpperCase();
  }
}
