import { LSPClient } from '@codemirror/lsp-client';
import type { EditorView } from '@codemirror/view';
import { SERVERS, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import type { Clock } from '../connection/ports.ts';
import type { StreamError } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Problem } from '../problems/problems.svelte.ts';
import { capabilities } from './capabilities.ts';
import { Diagnostics } from './diagnostics.ts';
import { editorExtensions } from './editor-extensions.ts';
import { sanitize } from './sanitize.ts';
import type { ServerLog } from './server-log.svelte.ts';
import { ServerStream } from './server-stream.ts';
import { SyncedFiles } from './synced-files.ts';
import { ToldFiles } from './told-files.ts';
import { ServerTransport } from './transport.ts';
import { pathOf, uriOf } from './uris.ts';

/** A large project is first read as a whole. */
const ANSWER_MS = 60_000;
/** Three ends within this time are enough. */
const CRASHES = 3;
const CRASHES_WITHIN_MS = 180_000;
const FIRST_WAIT_MS = 500;

export type ServerState =
  | { kind: 'starting' }
  | { kind: 'ready' }
  /** it has ended and starts again by itself */
  | { kind: 'restarting'; why: string }
  /** it has ended too often */
  | { kind: 'crashed'; why: string }
  /** it does not run, and that is no fault of its own: no connection, somebody else drives, refused */
  | { kind: 'off'; why: string };

export interface ServerPorts {
  services: Services;
  clock: Clock;
  /** of the workspace, as its programs see it */
  home: string;
  documentOf(path: string): OpenDocument | undefined;
  found(path: string, problems: Problem[]): void;
  /** makes a change that the server asks for; only while a person has asked for one. @returns whether it was made */
  applyEdit(params: unknown): Promise<boolean>;
  changed(state: ServerState): void;
  /** goes to where what stands there is defined */
  define(view: EditorView, offset: number): void;
}

/** One language server for one project, from page to page of its life: it is started again when it ends. */
export class LanguageServer {
  readonly id: ServerId;
  readonly root: string;
  readonly log: ServerLog;
  readonly client: LSPClient;
  readonly diagnostics: Diagnostics;
  readonly #ports: ServerPorts;
  state = $state.raw<ServerState>({ kind: 'starting' });
  program = $state('');
  #stream: ServerStream | null = null;
  #transport: ServerTransport | null = null;
  #ends: number[] = [];
  #cancelWait: (() => void) | null = null;
  /** whether the client speaks to a server that runs */
  #live = false;
  /** paths that the server was told of */
  readonly #told = new ToldFiles();

  constructor({ server, root }: { server: ServerId; root: string }, log: ServerLog, ports: ServerPorts) {
    this.id = server;
    this.root = root;
    this.log = log;
    this.#ports = ports;
    this.client = new LSPClient({
      rootUri: uriOf(ports.home, root),
      initializationOptions: SERVERS[server].initializationOptions,
      timeout: ANSWER_MS,
      sanitizeHTML: sanitize,
      workspace: (client) =>
        new SyncedFiles(client, {
          documentOf: (uri) => ports.documentOf(pathOf(ports.home, uri) ?? ''),
          shown: ({ uri }) => queueMicrotask(() => this.#shown(uri)),
          live: () => this.#live,
        }),
      notificationHandlers: {
        'textDocument/publishDiagnostics': (_client, params) => this.#handled(() => this.diagnostics.take(params)),
        'window/logMessage': (_client, params) => this.#handled(() => log.add(wordsIn(params))),
        'window/showMessage': (_client, params) => this.#handled(() => log.add(wordsIn(params))),
      },
      extensions: [capabilities, ...editorExtensions(this, ports.define)],
    });
    this.diagnostics = new Diagnostics({
      client: this.client,
      files: () => this.files,
      found: (uri, problems) => {
        const path = pathOf(ports.home, uri);
        if (path !== null) ports.found(path, problems);
      },
      tool: SERVERS[server].name,
    });
    this.start();
  }

  get files(): SyncedFiles {
    return this.client.workspace as SyncedFiles;
  }

  get ready(): boolean {
    return this.state.kind === 'ready';
  }

  /** Starts it, or starts it anew because somebody asks for that. */
  restart(): void {
    this.#ends = [];
    this.#stop();
    this.start();
  }

  start(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
    this.#become({ kind: 'starting' });
    const transport = new ServerTransport(
      (message) => this.#stream?.send(message),
      (method, params) => this.#answer(method, params),
      (params) => ({ ...params, workspaceFolders: [{ uri: uriOf(this.#ports.home, this.root), name: this.root || 'home' }] }),
    );
    this.#transport = transport;
    const stream = new ServerStream(
      this.#ports.services,
      { server: this.id, root: this.root },
      {
        opened: (program) => {
          this.program = program;
          this.#live = true;
          this.client.connect(transport);
          this.client.initializing.then(
            () => this.#transport === transport && this.#initialized(),
            (refused: unknown) => this.#transport === transport && this.#ended(null, `It refuses to start: ${wordsIn(refused)}`),
          );
        },
        received: (message) => this.#received(transport, message),
        log: (text) => this.log.add(text),
        ended: (error, how) => this.#transport === transport && this.#ended(error, how),
      },
    );
    if (this.#transport === transport) this.#stream = stream;
  }

  /** It is not wanted any more. */
  dispose(): void {
    this.#stop();
    this.diagnostics.clear();
  }

  /** It can't go on: no connection, or not from here. */
  pause(why: string): void {
    this.#stop();
    this.#become({ kind: 'off', why });
  }

  /** Asks; what the answer is, whoever asked parses. Text that was typed goes first. */
  ask(method: string, params: object): Promise<unknown> {
    if (!this.#live) return Promise.reject(new Error('The language server does not run now'));
    this.client.sync();
    return this.client.request<object, unknown>(method, params);
  }

  can(capability: string): boolean {
    const capabilitiesOf = this.client.serverCapabilities as Record<string, unknown> | null;
    return this.ready && Boolean(capabilitiesOf?.[capability]);
  }

  /** Files of the workspace may have changed, on disk. @param gone which of them are not there */
  filesChanged(paths: readonly string[], gone: readonly string[]): void {
    if (!this.ready || paths.length === 0) return;
    const changes = this.#told.tell(paths, gone).map(({ path, type }) => ({ uri: uriOf(this.#ports.home, path), type }));
    this.client.notification('workspace/didChangeWatchedFiles', { changes });
    this.diagnostics.ask();
  }

  saved(path: string): void {
    if (this.ready) this.client.notification('textDocument/didSave', { textDocument: { uri: uriOf(this.#ports.home, path) } });
  }

  #shown(uri: string): void {
    const file = this.files.getFile(uri);
    if (file === null) return;
    this.diagnostics.show(file);
    if (this.ready) this.diagnostics.ask(uri);
  }

  #initialized(): void {
    this.#become({ kind: 'ready' });
    const { settings } = SERVERS[this.id];
    if (settings !== undefined) this.client.notification('workspace/didChangeConfiguration', { settings });
    this.diagnostics.ask();
  }

  #received(transport: ServerTransport, message: string): void {
    try {
      transport.receive(message);
    } catch (thrown) {
      this.log.add(`A message could not be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  #answer(method: string, params: unknown): unknown {
    switch (method) {
      case 'workspace/configuration': {
        const { items = [] } = (params ?? {}) as { items?: { section?: unknown }[] };
        return items.slice(0, 100).map(({ section }) => SERVERS[this.id].settings?.[String(section)] ?? null);
      }
      case 'workspace/workspaceFolders':
        return [{ uri: uriOf(this.#ports.home, this.root), name: this.root || 'home' }];
      case 'workspace/applyEdit':
        return this.#ports.applyEdit(params).then((applied) => ({ applied }));
      case 'workspace/diagnostic/refresh':
        this.diagnostics.ask();
        return null;
      case 'client/registerCapability':
      case 'client/unregisterCapability':
      case 'window/workDoneProgress/create':
      case 'window/showMessageRequest':
        return null;
      default:
        return undefined;
    }
  }

  #ended(error: StreamError | null, how: string): void {
    this.#stop();
    if (error !== null && error.code !== 'internal') return this.#become({ kind: 'off', why: how });
    const now = this.#ports.clock.now();
    this.#ends = [...this.#ends, now].filter((time) => now - time < CRASHES_WITHIN_MS);
    this.log.add(how);
    if (this.#ends.length >= CRASHES) return this.#become({ kind: 'crashed', why: how });
    this.#become({ kind: 'restarting', why: how });
    this.#cancelWait = this.#ports.clock.after(FIRST_WAIT_MS * 2 ** (this.#ends.length - 1), () => this.start());
  }

  #stop(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
    const [stream, transport] = [this.#stream, this.#transport];
    this.#stream = null;
    this.#transport = null;
    this.#live = false;
    stream?.close();
    transport?.end();
    this.#told.clear();
    // The client hears of the end first, a moment later; then it is as new.
    if (this.client.connected) queueMicrotask(() => queueMicrotask(() => !this.#live && this.client.disconnect()));
  }

  #become(state: ServerState): void {
    this.state = state;
    this.#ports.changed(state);
  }

  #handled(act: () => void): boolean {
    act();
    return true;
  }
}

const wordsIn = (params: unknown): string =>
  typeof params === 'object' && params !== null && 'message' in params ? String(params.message).slice(0, 4000) : '';
