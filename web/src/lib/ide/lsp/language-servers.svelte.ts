import type { Extension } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { SERVERS, serverFor, type LspServer, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import { untrack } from 'svelte';
import type { Clock } from '../connection/ports.ts';
import type { Services } from '../connection/streams.ts';
import type { Contributions } from '../editor/contributions.svelte.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Documents } from '../editor/documents.svelte.ts';
import { isWithin, parentOf } from '../files/paths.ts';
import type { Problems } from '../problems/problems.svelte.ts';
import { ServerLog } from './server-log.svelte.ts';
import type { LanguageServer, ServerState } from './language-server.svelte.ts';
import { uriOf } from './uris.ts';

/** A server without a file of its own in a tab is ended after this time. */
const IDLE_MS = 120_000;
/** of one report of changes: whether each is still there is asked for */
const MOST_LOOKS = 50;

/** What is known of the server of one file. */
export type FileServer =
  | { kind: 'missing'; server: ServerId; install: string | null }
  | { kind: 'there'; server: ServerId; state: ServerState; program: string; running: LanguageServer };

export interface LanguageServersPorts {
  services: Services;
  clock: Clock;
  documents: Documents;
  contributions: Contributions;
  problems: Problems;
  /** of the workspace, as its programs see it; null: not connected yet */
  home(): string | null;
  /** why none may run, for people; null: they may. Followed as it changes */
  refusal(): string | null;
  /** whether the person wants them; followed as it changes */
  wanted(): boolean;
  /** whether a file is there */
  exists(path: string): Promise<boolean>;
  define(server: LanguageServer, view: EditorView, offset: number): void;
  applyEdit(params: unknown): Promise<boolean>;
  failed(what: string, why: string): void;
}

/** The language servers of this page: one for each project and language, started when its first file is shown. */
export class LanguageServers {
  readonly #ports: LanguageServersPorts;
  /** by server and root */
  running = $state.raw<ReadonlyMap<string, LanguageServer>>(new Map());
  #missing = $state.raw<ReadonlyMap<ServerId, LspServer>>(new Map());
  /** roots by server and folder of a file */
  readonly #found = new Map<string, Promise<LspServer | null>>();
  readonly #logs = new Map<string, ServerLog>();
  readonly #extensions = new Map<string, Extension>();
  readonly #idle = new Map<string, () => void>();
  /** grows with each connection, and when something was installed */
  #round = $state(0);
  #takeAway: (() => void) | null = null;
  readonly #stop: () => void;

  constructor(ports: LanguageServersPorts) {
    this.#ports = ports;
    this.#stop = $effect.root(() => {
      $effect(() => {
        const refusal = ports.wanted() ? ports.refusal() : 'Language servers are off in your settings';
        void this.#round;
        const may = ports.home() !== null;
        untrack(() => may && this.#follow(refusal));
      });
      $effect(() => {
        const paths = new Map(ports.documents.all.map((document) => [document, document.path]));
        untrack(() => this.#keep(paths));
      });
    });
  }

  /** The server of an open file; null: there is none for its language, or nobody knows yet. */
  of(document: OpenDocument | null): FileServer | null {
    const known = document === null ? null : serverFor(document.path);
    if (document === null || known === null) return null;
    const running = [...this.running.values()]
      .filter(({ id, root }) => id === known.server && isWithin(document.path, root))
      .sort((a, b) => b.root.length - a.root.length)[0];
    if (running !== undefined) return { kind: 'there', server: known.server, state: running.state, program: running.program, running };
    const { install } = SERVERS[known.server];
    return this.#missing.has(known.server) ? { kind: 'missing', server: known.server, install } : null;
  }

  /** A new connection stands: servers ended with the one before. */
  connected(): void {
    this.#found.clear();
    this.#round += 1;
  }

  /** Something may have been installed: looks again. */
  lookAgain(): void {
    this.#found.clear();
    this.#missing = new Map();
    this.#round += 1;
  }

  /** @param paths of files that changed on disk; null: too many to name */
  async changed(paths: readonly string[] | null): Promise<void> {
    // What is installed for the user comes to such a folder.
    if (this.#missing.size > 0 && paths?.some((path) => path.startsWith('.local/') || path.includes('/bin/')) === true) this.lookAgain();
    if (this.running.size === 0) return;
    const named = paths ?? [];
    const looked = named.slice(0, MOST_LOOKS);
    const there = await Promise.all(looked.map((path) => this.#ports.exists(path)));
    const gone = new Set(looked.filter((_path, index) => there[index] === false));
    for (const server of this.running.values()) {
      server.filesChanged(
        named.filter((path) => isWithin(path, server.root)),
        gone,
      );
      if (paths === null) server.diagnostics.ask();
      for (const path of named) if (this.#ports.documents.find(path) !== undefined) server.saved(path);
    }
  }

  dispose(): void {
    this.#stop();
    this.#takeAway?.();
    for (const cancel of this.#idle.values()) cancel();
    for (const server of this.running.values()) server.dispose();
  }

  /** Starts what may run, ends what may not, and tells the editors. */
  #follow(refusal: string | null): void {
    for (const server of this.running.values()) {
      if (refusal !== null) server.pause(refusal);
      else if (server.state.kind === 'off') server.start();
    }
    this.#takeAway?.();
    this.#takeAway = refusal === null ? this.#ports.contributions.add((document) => this.#extensionOf(document)) : null;
  }

  async #extensionOf(document: OpenDocument): Promise<Extension> {
    const known = serverFor(document.path);
    const home = this.#ports.home();
    if (known === null || home === null) return [];
    try {
      const found = await this.#find(known.server, document.path);
      if (found === null) return [];
      if (found.program === null) {
        this.#missing = new Map([...this.#missing, [known.server, found]]);
        return [];
      }
      const server = await this.#serverOf(found, home);
      const key = `${keyOf(found)} ${document.path}`;
      const extension = this.#extensions.get(key) ?? server.client.plugin(uriOf(home, document.path), known.language);
      this.#extensions.set(key, extension);
      return extension;
    } catch {
      // The connection went: all of this is asked again with the next.
      return [];
    }
  }

  #find(server: ServerId, path: string): Promise<LspServer | null> {
    const key = `${server} ${parentOf(path)}`;
    const known = this.#found.get(key) ?? this.#ports.services.call({ method: 'lsp.servers', path }).then((head) => head.server);
    this.#found.set(key, known);
    known.catch(() => this.#found.delete(key));
    return known;
  }

  async #serverOf(found: LspServer, home: string): Promise<LanguageServer> {
    const { LanguageServer } = await import('./language-server.svelte.ts');
    const key = keyOf(found);
    this.#idle.get(key)?.();
    const known = this.running.get(key);
    if (known !== undefined) return known;
    const { services, clock, documents, problems } = this.#ports;
    const log = this.#logs.get(key) ?? new ServerLog();
    this.#logs.set(key, log);
    const server: LanguageServer = new LanguageServer(found, log, {
      ...{ services, clock, home },
      documentOf: (path) => documents.find(path),
      found: (path, list) => problems.set(`lsp ${key}`, path, list),
      applyEdit: (params) => this.#ports.applyEdit(params),
      define: (view, offset) => this.#ports.define(server, view, offset),
      changed: (state) => this.#became(found, state),
    });
    this.running = new Map([...this.running, [key, server]]);
    return server;
  }

  #became({ server }: LspServer, state: ServerState): void {
    if (state.kind === 'crashed')
      this.#ports.failed(
        `The language server for ${SERVERS[server].name} keeps ending`,
        `${state.why}. Its log is behind its name in the status bar.`,
      );
  }

  /** Files came, went, or have other names. */
  #keep(paths: ReadonlyMap<OpenDocument, string>): void {
    let moved = false;
    for (const [key, server] of this.running) {
      const home = this.#ports.home() ?? '';
      for (const { uri, document } of server.files.keep((file) => uriOf(home, paths.get(file.document) ?? '') === file.uri)) {
        server.diagnostics.forget(uri);
        moved ||= paths.has(document);
      }
      if (server.files.files.length === 0 && !this.#idle.has(key)) this.#endLater(key, server);
    }
    if (moved) this.#round += 1;
  }

  #endLater(key: string, server: LanguageServer): void {
    const cancel = this.#ports.clock.after(IDLE_MS, () => {
      this.#idle.delete(key);
      if (server.files.files.length > 0) return;
      server.dispose();
      this.running = new Map([...this.running].filter(([other]) => other !== key));
      for (const name of [...this.#extensions.keys()]) if (name.startsWith(`${key} `)) this.#extensions.delete(name);
    });
    this.#idle.set(key, () => {
      cancel();
      this.#idle.delete(key);
    });
  }
}

const keyOf = ({ server, root }: LspServer): string => `${server} ${root}`;
