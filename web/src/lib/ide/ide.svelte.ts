import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { RunnerHello, ViewerFacts } from '@gatehouse/core/protocol/connection.ts';
import { attachTo, type WorkspaceApi } from './connection/attach.ts';
import { Connection, type ConnectionPorts, type ConnectionState } from './connection/connection.ts';
import type { Clock } from './connection/ports.ts';
import type { CodeEditor, CursorPosition } from './editor/code-editor.ts';
import type { OpenDocument } from './editor/document.svelte.ts';
import { Delayed } from './editor/delayed.ts';
import { Documents } from './editor/documents.svelte.ts';
import type { DraftStore } from './editor/drafts.ts';
import { parentOf, unique } from './files/paths.ts';
import { languageName } from './editor/language-names.ts';
import { RemoteFiles } from './files/remote-files.ts';
import { FileTree } from './files/tree.svelte.ts';
import { Watches } from './files/watches.ts';
import { Layout } from './layout/layout.svelte.ts';
import type { Memory } from './memory.ts';
import { Prompts } from './prompts.svelte.ts';
import type { MakeScreen } from './terminals/terminal.svelte.ts';
import { Terminals } from './terminals/terminals.svelte.ts';
import type { XtermScreen } from './terminals/xterm-screen.ts';

export interface IdePorts extends Omit<ConnectionPorts, 'attach'> {
  api: WorkspaceApi & { start(): Promise<Workspace> };
  drafts: DraftStore;
  memory: Memory;
  makeScreen: (ide: Ide) => MakeScreen<XtermScreen>;
}

/** Unsaved work is written down this long after the last key. */
const KEEP_MS = 500;

/** One workspace in one tab: the connection and everything that lives on it. */
export class Ide {
  readonly #ports: IdePorts;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #watches: Watches;
  readonly #toKeep: Delayed<OpenDocument>;
  readonly files: RemoteFiles;
  readonly tree: FileTree;
  readonly documents: Documents;
  readonly terminals: Terminals<XtermScreen>;
  readonly layout = new Layout();
  readonly prompts = new Prompts();

  workspace = $state.raw<Workspace | null>(null);
  connection = $state.raw<ConnectionState>({ kind: 'connecting' });
  runner = $state.raw<RunnerHello | null>(null);
  people = $state.raw<readonly ViewerFacts[]>([]);
  /** milliseconds to the broker and back */
  latency = $state<number | null>(null);
  cursor = $state.raw<CursorPosition | null>(null);
  editor = $state.raw<CodeEditor | null>(null);
  #restored = false;

  constructor(ports: IdePorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
    this.#toKeep = new Delayed(ports.clock, KEEP_MS);
    const attach = attachTo(ports.api, (workspace) => (this.workspace = workspace));
    this.#connection = new Connection(
      { ...ports, attach },
      {
        changed: (state) => (this.connection = state),
        connected: (runner) => void this.#connected(runner),
        people: (people) => (this.people = people),
        latency: (ms) => (this.latency = ms),
      },
    );
    this.files = new RemoteFiles(this.#connection);
    this.tree = new FileTree(this.files, ports.memory.read().expanded);
    this.documents = new Documents(this.files, ports.drafts);
    this.terminals = new Terminals(this.#connection, this.#clock, ports.makeScreen(this));
    this.#watches = new Watches(this.files, (directory, paths) => void this.#changed(directory, paths));
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** what the active file is written in */
  readonly language: string = $derived.by(() => languageName(this.documents.active?.name ?? ''));

  /** Folders in sight, and those of open files. */
  readonly watched: readonly string[] = $derived.by(() =>
    unique(['', ...this.tree.expanded, ...this.documents.open.map(({ path }) => parentOf(path))]),
  );

  start(): void {
    this.#connection.start();
    // Its name, for the title: whether it may be entered is the connection's to find out.
    this.#ports.api.get().then(
      (workspace) => (this.workspace = workspace),
      () => undefined,
    );
  }

  /** The network or the tab came back: look at once. */
  nudge(): void {
    this.#connection.nudge();
  }

  /** Asks the runner to start the workspace, then waits for it. @throws ApiProblem */
  async startWorkspace(): Promise<void> {
    this.workspace = await this.#ports.api.start();
    this.#connection.start();
  }

  /** Keeps the watches and what this browser remembers in step with what is in sight. Call it in an effect. */
  follow(): void {
    this.#watches.want(this.watched);
    const tabs = this.documents.open.map(({ path }) => path);
    const expanded = [...this.tree.expanded];
    const active = this.documents.active?.path ?? null;
    if (this.#restored) this.#ports.memory.write({ expanded, tabs, active });
  }

  openFile(path: string): void {
    this.documents.show(path);
    this.layout.show('editor');
  }

  /** The editor loads with the first file, so that the terminals come first. */
  async loadEditor(): Promise<void> {
    const { CodeEditor } = await import('./editor/code-editor.ts');
    this.editor ??= new CodeEditor({
      moved: (position) => (this.cursor = position),
      edited: (document) => this.#edited(document),
    });
  }

  /** Closes a tab; asks first when that would lose work. */
  async closeDocument(document: OpenDocument): Promise<void> {
    if (document.dirty) {
      const answer = await this.prompts.ask({
        title: `Save “${document.name}” before closing?`,
        text: 'It has changes that are not in the workspace yet.',
        choices: [
          { label: 'Don’t save', look: 'plain', value: 'drop' },
          { label: 'Save', look: 'primary', value: 'save' },
        ],
      });
      if (answer === null || (answer === 'save' && !(await document.save()))) return;
    }
    this.#toKeep.cancel(document);
    this.documents.close(document);
  }

  /** Writes all unsaved work down now, because the page may go away. */
  keepAll(): void {
    for (const document of this.documents.open) void document.keep();
  }

  dispose(): void {
    this.keepAll();
    this.#toKeep.cancelAll();
    this.#connection.stop();
    this.terminals.dispose();
    this.editor?.destroy();
  }

  async #connected(runner: RunnerHello): Promise<void> {
    this.runner = runner;
    this.#watches.connected();
    const terminals = this.terminals.connected();
    await this.tree.load();
    if (this.#restored) await this.documents.changed(null);
    else await this.#restore();
    await terminals;
  }

  async #restore(): Promise<void> {
    const { tabs, active } = this.#ports.memory.read();
    await this.documents.restore(tabs, active);
    this.#restored = true;
  }

  async #changed(directory: string, paths: string[] | null): Promise<void> {
    await Promise.all([this.tree.changed(paths ?? [directory]), this.documents.changed(paths ?? [directory])]);
  }

  #edited(document: OpenDocument): void {
    document.edited();
    this.#toKeep.plan(document, () => void document.keep());
  }
}
