import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import type { BlockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import type { WorkspaceApi } from './connection/attach.ts';
import { BlockedActsTeller } from './blocked-acts.ts';
import { ClipboardRule } from './clipboard.ts';
import type { Connection } from './connection/connection.ts';
import type { Begun } from './connection/held-events.ts';
import type { Clock, ConnectionState, RunnerChange } from './connection/ports.ts';
import type { CodeEditor } from './editor/code-editor.ts';
import type { CursorPosition } from './editor/editor-events.ts';
import type { Place } from './editor/document.svelte.ts';
import { Editing } from './editor/editing.ts';
import type { DraftStore } from './editor/drafts.ts';
import type { Opening } from './editor/workbench.svelte.ts';
import type { Decorations } from './files/decorations.ts';
import { FileWork } from './files/file-work.ts';
import { RemoteFiles } from './files/remote-files.ts';
import type { Transfers } from './files/transfers/transfers.svelte.ts';
import { FileTree } from './files/tree.svelte.ts';
import { Git } from './git/git.svelte.ts';
import type { Features } from './lsp/features.svelte.ts';
import { LanguageServers } from './lsp/language-servers.svelte.ts';
import type { ReferenceList } from './lsp/references.svelte.ts';
import { Layout } from './layout/layout.svelte.ts';
import type { Memory } from './memory.ts';
import type { News } from './people/news.ts';
import { People } from './people/people.svelte.ts';
import { Problems } from './problems/problems.svelte.ts';
import { Ports } from './ports/ports.svelte.ts';
import { Prompts } from './prompts.svelte.ts';
import { QuickOpen } from './search/quick-open.svelte.ts';
import { RemoteSearch } from './search/remote-search.ts';
import { Replacer } from './search/replacer.ts';
import { TextSearch } from './search/text-search.svelte.ts';
import type { Settings } from './settings/settings.svelte.ts';
import { Tasks } from './tasks/tasks.svelte.ts';
import { TerminalTools, type ToolPorts } from './terminals/terminal-tools.svelte.ts';
import type { MakeScreen } from './terminals/terminal.svelte.ts';
import { Terminals } from './terminals/terminals.svelte.ts';
import { Tour } from './tour/tour.svelte.ts';
import type { XtermScreen } from './terminals/xterm-screen.ts';

export interface IdePorts {
  begun: Begun;
  clock: Clock;
  api: Pick<WorkspaceApi, 'get'> & { start(): Promise<Workspace>; stop(): Promise<Workspace>; restart(): Promise<Workspace> };
  drafts: DraftStore;
  memory: Memory;
  settings: Settings;
  /** tells the trail what the page held back */
  tellBlocked(acts: BlockedActs): Promise<void>;
  /** to the clipboard of the system */
  writeClipboard(text: string): void;
  makeScreen: (ide: Ide) => MakeScreen<XtermScreen>;
  /** a name that nothing had before */
  makeKey: () => string;
  userId: string;
  tools: ToolPorts;
  /** says something about the people who are here */
  tell(news: News): void;
  /** says that something did not work */
  failed(what: string, why: string): void;
}

/** While others are here, terminals may be opened elsewhere: they are looked for so often. */
const LOOK_MS = 3_000;

/** One workspace in one tab: the connection and everything that lives on it. */
export class Ide {
  readonly #ports: IdePorts;
  readonly #connection: Connection;
  readonly files: RemoteFiles;
  readonly tree: FileTree;
  readonly editing: Editing;
  readonly fileWork: FileWork;
  readonly terminals: Terminals<XtermScreen>;
  readonly terminalTools: TerminalTools;
  readonly tasks: Tasks;
  readonly problems = new Problems();
  readonly people: People;
  readonly ports: Ports;
  readonly git: Git;
  readonly search: TextSearch;
  readonly replacer: Replacer;
  readonly quickOpen: QuickOpen;
  readonly languageServers: LanguageServers;
  readonly clipboard: ClipboardRule;
  readonly blockedActs: BlockedActsTeller;
  readonly tour: Tour;
  readonly settings: Settings;
  readonly layout = new Layout();
  readonly prompts = new Prompts();

  workspace = $state.raw<Workspace | null>(null);
  connection = $state.raw<ConnectionState>({ kind: 'connecting' });
  /** what the runner let this page into, at the last connection */
  hello = $state.raw<RunnerHello | null>(null);
  /** in force for this connection; null before the first */
  policy = $state.raw<Policy | null>(null);
  /** milliseconds to the broker and back */
  latency = $state<number | null>(null);
  /** null: nothing was uploaded or downloaded yet */
  transfers = $state.raw<Transfers | null>(null);
  /** grows each time that the search wants the keyboard */
  searchFocus = $state(0);
  /** places that were asked for last */
  references = $state.raw<ReferenceList | null>(null);
  /** what people do with language servers; null until the first of it */
  features = $state.raw<Features | null>(null);
  #restored = false;
  #cancelLook: (() => void) | null = null;

  constructor(ports: IdePorts) {
    this.#ports = ports;
    this.settings = ports.settings;
    this.blockedActs = new BlockedActsTeller(ports.clock, ports.tellBlocked);
    this.clipboard = new ClipboardRule(() => this.policy, {
      refused: ports.failed,
      stayed: (title, detail) => ports.tell({ title, detail, weighty: true }),
      blocked: (act, bytes) => this.blockedActs.note(act, bytes),
      write: ports.writeClipboard,
    });
    this.tour = new Tour(ports.settings);
    this.#connection = ports.begun.connection;
    this.files = new RemoteFiles(this.#connection);
    this.tree = new FileTree(this.files, ports.memory.read().expanded);
    this.fileWork = new FileWork(this);
    this.editing = new Editing({
      ...ports,
      files: this.files,
      prompts: this.prompts,
      clipboard: this.clipboard,
      settings: () => this.settings.now,
      mayChange: () => this.people.refusal === null,
      changed: () => this.tour.did('edit'),
    });
    this.terminals = new Terminals(this.#connection, ports.clock, ports.makeScreen(this), ports.makeKey, ports.memory.read().terminals);
    this.terminalTools = new TerminalTools(this, ports.tools);
    this.tasks = new Tasks(this, this.#connection, ports.clock);
    this.people = new People(this.#connection, ports.userId, {
      changed: () => this.#peopleChanged(),
      news: (news) => ports.tell(news),
      failed: (what, why) => ports.failed(what, why),
    });
    this.git = new Git(this.#connection);
    this.ports = new Ports(
      this.#connection,
      () => this.workspace?.apps ?? [],
      (news) => ports.tell(news),
      ports.memory.read().ports,
    );
    const search = new RemoteSearch(this.#connection);
    this.search = new TextSearch(search, ports.clock);
    this.quickOpen = new QuickOpen(search);
    this.quickOpen.recent = ports.memory.read().recent;
    this.replacer = new Replacer(this.files, (path) => this.documents.find(path)?.dirty ?? false);
    this.files.refusal = () => this.people.refusal;
    this.languageServers = new LanguageServers({
      ...{ services: this.#connection, clock: ports.clock, documents: this.documents },
      ...{ contributions: this.editorContributions, problems: this.problems },
      home: () => this.hello?.root ?? null,
      refusal: () => (this.policy?.download === 0 ? 'Your organisation’s policy lets nothing be read from files' : this.people.refusal),
      wanted: () => this.settings.now.languageServers,
      exists: (path) =>
        this.files.stat(path).then(
          () => true,
          () => false,
        ),
      define: (server, view, offset) => void this.loadFeatures().then((features) => features.define(server, view, offset)),
      applyEdit: async (params) => (await this.loadFeatures()).applyEdit(params),
      failed: ports.failed,
    });
    this.formatters.add(async (document) => {
      const known = this.languageServers.of(document);
      return known?.kind === 'there' && (await this.loadFeatures()).formatDocument(document);
    });
  }

  /** What people do with language servers; it loads with the first of it. */
  async loadFeatures(): Promise<Features> {
    const { Features } = await import('./lsp/features.svelte.ts');
    return (this.features ??= new Features(this));
  }

  /** Says that something did not work. */
  failed(what: string, why: string): void {
    this.#ports.failed(what, why);
  }

  /** the open files */
  get documents(): Editing['documents'] {
    return this.editing.documents;
  }

  /** the tabs of the editor, and where they stand */
  get workbench(): Editing['workbench'] {
    return this.editing.workbench;
  }

  /** what other parts of the IDE add to every editor of a file */
  get editorContributions(): Editing['contributions'] {
    return this.editing.contributions;
  }

  /** how files stand to git */
  get decorations(): Decorations {
    return this.git;
  }

  /** what can lay out a file anew */
  get formatters(): Editing['formatters'] {
    return this.editing.formatters;
  }

  /** the editor that has the keyboard, or had it last; null until a file was shown there */
  get editor(): CodeEditor | null {
    return this.workbench.editor;
  }

  get cursor(): CursorPosition | null {
    return this.workbench.group.cursor;
  }

  /** Hears what the connection has told so far, and tells. Call it once. */
  begin(): void {
    this.#ports.begun.listen({
      changed: (state) => this.#became(state),
      admitted: ({ policy, connectionId }) => {
        this.policy = policy;
        this.blockedActs.connectionId = connectionId;
      },
      seen: (workspace) => (this.workspace = workspace),
      connected: (hello) => void this.#connected(hello),
      people: (presence) => this.people.update(presence),
      notice: (text) => this.#ports.tell({ title: 'Not let out of this workspace', detail: text, weighty: true }),
      latency: (ms) => (this.latency = ms),
    });
    this.#catchUp();
  }

  /** Dials now, whatever was. */
  start(): void {
    this.#connection.start();
    this.#catchUp();
  }

  #catchUp(): void {
    void this.settings.sync();
    // Its name, for the title: whether it may be entered is the connection's to find out.
    this.#ports.api.get().then(
      (workspace) => (this.workspace = workspace),
      () => undefined,
    );
  }

  /** The network or the tab changed: looks at once whether the connection still stands. */
  nudge(): void {
    this.#connection.nudge();
  }

  /** Somebody looks at the page again: other browsers of theirs may have chosen something meanwhile. */
  seen(): void {
    this.nudge();
    void this.settings.sync();
  }

  networkReturned(): void {
    this.#connection.networkReturned();
    void this.settings.sync();
  }

  /** A person has compared the fingerprint with the runner's console: it is the right one. */
  trustRunner({ id, shown }: RunnerChange): void {
    this.#connection.trust(id, shown);
  }

  /** Asks the runner to start the workspace, then waits for it. @throws ApiProblem */
  async startWorkspace(): Promise<void> {
    this.workspace = await this.#ports.api.start();
    this.#connection.start();
  }

  /** Stops the workspace now; this page then says that it has ended. */
  async stopWorkspace(): Promise<void> {
    try {
      this.workspace = await this.#ports.api.stop();
    } catch (thrown) {
      this.#ports.failed('The workspace was not stopped', thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  /** Ends what runs and starts it anew, then waits for it. @throws ApiProblem */
  async restartWorkspace(): Promise<void> {
    this.workspace = await this.#ports.api.restart();
    this.#connection.start();
  }

  /** Remembers in this browser what is in sight. Call it in an effect. */
  remember(): void {
    const expanded = [...this.tree.expanded];
    const tabs = this.workbench.remember();
    const terminals = this.terminals.arrangement.map((ids) => [...ids]);
    if (this.#restored)
      this.#ports.memory.write({ expanded, ...tabs, recent: [...this.quickOpen.recent], terminals, ports: this.ports.memory });
  }

  /** @param place where the cursor goes, with the keyboard; `here`: where it was; left out: the keyboard stays where it is */
  openFile(path: string, place: Place | 'here' | null = null, opening: Opening = {}): void {
    this.workbench.showFile(path, opening).goTo = place;
    this.quickOpen.opened(path);
    this.tour.did('open');
    this.layout.show('editor');
  }

  /** Which of these names, as a program wrote them in that folder, are files of the workspace. */
  async locate(from: string, names: string[]): Promise<(string | null)[]> {
    return (await this.#connection.call({ method: 'files.locate', from, names })).paths;
  }

  /** Shows the search. @param text to look for; empty: what was looked for last */
  searchFor(text: string): void {
    this.layout.showSide('search');
    this.searchFocus++;
    if (text === '' || text.includes('\n')) return;
    this.search.query = text;
    this.search.run();
  }

  /** Somebody printed what the policy keeps inside; the paper says so. */
  printHeld(): void {
    this.blockedActs.note('print', 0);
    this.#ports.failed('Not printed', 'Your organisation’s policy keeps what is in this workspace inside it.');
  }

  /** Uploads and downloads load with the first of them. */
  async loadTransfers(): Promise<Transfers> {
    const { Transfers } = await import('./files/transfers/transfers.svelte.ts');
    return (this.transfers ??= new Transfers(this, this.#connection));
  }

  dispose(): void {
    this.editing.dispose();
    this.settings.dispose();
    this.blockedActs.send();
    this.#cancelLook?.();
    this.#connection.stop();
    this.terminals.dispose();
    this.languageServers.dispose();
  }

  #became(state: ConnectionState): void {
    this.connection = state;
    if (state.kind === 'ended') this.people.update(null);
  }

  #peopleChanged(): void {
    const { drives, all } = this.people;
    this.terminals.mayType = drives;
    this.editing.lock(!drives);
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (all.some(({ viewers, me }) => !me || viewers.length > 1)) this.#lookAround();
  }

  #lookAround(): void {
    this.#cancelLook = this.#ports.clock.after(LOOK_MS, () => {
      if (this.connection.kind === 'connected') void this.terminals.refresh();
      this.#lookAround();
    });
  }

  async #connected(hello: RunnerHello): Promise<void> {
    const terminals = this.terminals.connected();
    const tree = this.tree.load();
    this.transfers?.connected();
    // To draw the page takes longer than an answer: the first terminal is asked for before.
    if (this.hello === null) await terminals.then(() => new Promise<void>((sent) => this.#ports.clock.after(0, sent)));
    this.hello = hello;
    this.languageServers.connected();
    await tree;
    if (this.#restored) this.#follow();
    else await this.#restore().finally(() => this.#follow());
    await terminals;
  }

  /** Hears what changes from now on. One program answers it all, so what is in sight was asked for first. */
  #follow(): void {
    // it ends with the connection; where it is refused, reading again by hand remains
    this.files.watch(
      '',
      (paths) => void this.#changed(paths),
      () => undefined,
    );
    // what changed before it was heard of
    void Promise.all([this.tree.changed(null), this.editing.changed(null)]);
    this.ports.watch();
    void this.git.connected();
  }

  async #restore(): Promise<void> {
    await this.workbench.restore(this.#ports.memory.read());
    this.#restored = true;
  }

  async #changed(paths: string[] | null): Promise<void> {
    this.quickOpen.changed();
    await Promise.all([this.tree.changed(paths), this.editing.changed(paths), this.git.changed(paths)]);
    await this.languageServers.changed(paths);
  }
}
