import type { TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import { nameOf } from '../files/paths.ts';
import { wordsOf } from '../connection/stream-error.ts';
import type { ClipboardRule } from '../clipboard.ts';
import type { Place } from '../editor/document.svelte.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import type { Prompts } from '../prompts.svelte.ts';
import type { FilePlace } from './file-links.ts';
import { quoted } from './quote.ts';
import type { Terminal } from './terminal.svelte.ts';
import type { Terminals } from './terminals.svelte.ts';
import type { TerminalCommand } from './terminal-keys.ts';
import type { XtermScreen } from './xterm-screen.ts';

type Shown = Terminal<XtermScreen>;

export interface ToolPorts {
  /** says that something was done */
  said(what: string, detail?: string): void;
  failed(what: string, why: string): void;
  paste(): Promise<string>;
}

/** What of the IDE it works with. */
interface Surroundings {
  readonly terminals: Terminals<XtermScreen>;
  readonly tasks: { forget(terminal: Shown): void };
  readonly files: RemoteFiles;
  readonly clipboard: ClipboardRule;
  readonly prompts: Prompts;
  openFile(path: string, place: Place | null): void;
}

/** What people do to terminals besides typing into them. */
export class TerminalTools {
  readonly #ide: Surroundings;
  readonly #ports: ToolPorts;
  /** key of the terminal whose name is being typed */
  renaming = $state<string | null>(null);
  /** the list that is open */
  list = $state.raw<'terminals' | 'look' | { files: readonly FilePlace[] } | null>(null);

  constructor(ide: Surroundings, ports: ToolPorts) {
    this.#ide = ide;
    this.#ports = ports;
  }

  /** @returns false: there is nothing that it would do, so the key is the program's */
  run(command: TerminalCommand, terminal = this.#ide.terminals.active): boolean {
    if (terminal === null) return false;
    const { screen } = terminal;
    const acts: Record<TerminalCommand, () => unknown> = {
      'previous-command': () => screen.jump(-1),
      'next-command': () => screen.jump(1),
      'to-top': () => !screen.fullScreen && screen.scroll('top'),
      'to-bottom': () => !screen.fullScreen && screen.scroll('bottom'),
      larger: () => screen.zoom(1),
      smaller: () => screen.zoom(-1),
      'usual-size': () => screen.zoom(null),
      links: () => void this.listFiles(terminal),
      'copy-output': () => void this.copyOutput(terminal),
      'select-all': () => screen.selectAll(),
      clear: () => screen.clear(),
      rename: () => this.rename(terminal),
      look: () => this.#ide.terminals.mayType && (this.list = 'look'),
      'move-left': () => this.#ide.terminals.move(terminal, -1),
      'move-right': () => this.#ide.terminals.move(terminal, 1),
      end: () => void this.end(terminal),
    };
    return acts[command]() !== false;
  }

  rename(terminal: Shown): void {
    if (!this.#ide.terminals.mayType) return;
    this.#ide.terminals.active = terminal;
    this.renaming = terminal.key;
  }

  setLook(terminal: Shown, look: Partial<TerminalLook>): void {
    void this.#ide.terminals.rename(terminal, terminal.name, { ...terminal.look, ...look });
  }

  /** Ends a terminal; asks first where that ends something besides its shell. */
  async end(terminal: Shown): Promise<void> {
    const { terminals, prompts } = this.#ide;
    const program = terminal.mayType ? await terminals.foreground(terminal) : null;
    if (program !== null) {
      const answer = await prompts.ask({
        title: `End “${program}” in “${terminal.name}”?`,
        text: 'It is running. Its terminal is closed, and what it has not saved is lost.',
        choices: [{ label: 'End it', look: 'danger', value: 'end' }],
      });
      if (answer === null) return terminal.screen.focus();
    }
    await terminals.close(terminal);
    if (!terminals.all.includes(terminal)) this.#ide.tasks.forget(terminal);
    terminals.active?.screen.focus();
  }

  copySelection({ screen }: Shown): void {
    if (screen.selection !== '') this.#ide.clipboard.copy(screen.selection);
    screen.clearSelection();
  }

  copyOutput({ screen }: Shown): void {
    const output = screen.marks.lastOutput;
    if (output === null || output === '') return this.#ports.failed('Nothing to copy', 'No command that printed something is marked here.');
    if (this.#ide.clipboard.copy(output)) this.#ports.said('What the last command printed is on the clipboard');
  }

  async paste({ screen }: Shown): Promise<void> {
    const text = await this.#ports.paste().catch(() => null);
    if (text === null) return this.#ports.failed('Not pasted', 'The browser did not allow it. Ctrl V pastes.');
    const inside = this.#ide.clipboard.insideOf(text);
    if (inside !== null || this.#ide.clipboard.mayPaste(text)) await screen.paste(inside ?? text);
  }

  /** Lists the files that a terminal shows, to be opened by keyboard. */
  async listFiles({ screen }: Shown): Promise<void> {
    const files = await screen.filesAbove().catch(() => []);
    if (files.length > 0) this.list = { files };
    else this.#ports.failed('No files to open', 'The terminal shows no name of a file that is in the workspace.');
  }

  openPlace({ path, line, column }: FilePlace): void {
    const from = Math.max(0, (column ?? 1) - 1);
    this.#ide.openFile(path, line === null ? null : { line, from, to: from });
  }

  /** Types the names of what was dropped; what comes from outside goes into the workspace first. */
  async dropped(terminal: Shown, files: readonly File[], text: string): Promise<void> {
    if (!terminal.mayType) return;
    const paths = files.length > 0 ? await this.#upload(files) : await this.#pathsIn(text);
    if (paths.length > 0) await terminal.screen.paste(`${paths.map(quoted).join(' ')} `);
    else if (files.length === 0 && text !== '') await terminal.screen.paste(text);
  }

  /** A text that is the name of something in the workspace, as the tree hands it over. */
  async #pathsIn(text: string): Promise<string[]> {
    const lines = text.split('\n').filter((line) => line !== '');
    const known = await Promise.all(
      lines.map((path) =>
        this.#ide.files
          .stat(path)
          .then(() => path)
          .catch(() => null),
      ),
    );
    return known.every((path) => path !== null) ? known : [];
  }

  async #upload(files: readonly File[]): Promise<string[]> {
    const done: string[] = [];
    for (const file of files) {
      try {
        await this.#ide.files.write(nameOf(file.name), file, null);
        done.push(file.name);
      } catch (thrown) {
        this.#ports.failed(`“${file.name}” was not uploaded`, wordsOf(thrown));
      }
    }
    if (done.length > 0)
      this.#ports.said(
        done.length === 1 ? `“${done[0]}” was uploaded` : `${done.length} files were uploaded`,
        'They are at the top of the workspace.',
      );
    return done;
  }
}
