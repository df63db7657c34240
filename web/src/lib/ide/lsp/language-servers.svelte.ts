import type { Extension } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { SERVERS, serverFor, type LspServer, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { Clock } from '../connection/ports.ts';
import type { Services } from '../connection/streams.ts';
import type { Contributions } from '../editor/contributions.svelte.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Documents } from '../editor/documents.svelte.ts';
import { isWithin, parentOf } from '../files/paths.ts';
import type { Problems } from '../problems/problems.svelte.ts';
import { ServerLog } from './server-log.svelte.ts';
import type { LanguageServer, ServerState } from './language-server.svelte.ts';
import { Memo } from './memo.ts';
import { Timers } from './timers.ts';
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
  readonly running = new SvelteMap<string, LanguageServer>();
  readonly #missing = new SvelteMap<ServerId, LspServer>();
  /** roots by server and folder of a file */
  readonly #found = new Memo<Promise<LspServer | null>>();
  readonly #logs = new Memo<ServerLog>();
  readonly #extensions = new Memo<Extension>();
  readonly #idle: Timers;
  /** grows with each connection, and when something was installed */
  #round = $state(0);
  #takeAway: (() => void) | null = null;
  readonly #stop: () => void;

  constructor(ports: LanguageServersPorts) {
    this.#ports = ports;
    this.#idle = new Timers(ports.clock);
    this.#stop = $effect.root(() => {
      $effect(() => {
        const refusal = ports.wanted() ? ports.refusal() : 'Language servers are off in your settings';
        void this.#round;
        const may = ports.home() !== null;
        untrack(() => may && this.#follow(refusal));
      });
      $effect(() => {
        const open = ports.documents.all.map((document) => ({ document, path: document.path }));
        untrack(() => this.#keep(open));
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
    this.#found.forgetAll();
    this.#round += 1;
  }

  /** Something may have been installed: looks again. */
  lookAgain(): void {
    this.#found.forgetAll();
    this.#missing.clear();
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
    const gone = looked.filter((_path, index) => there[index] === false);
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
    this.#idle.cancelAll();
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
        this.#missing.set(known.server, found);
        return [];
      }
      const server = await this.#serverOf(found, home);
      const key = `${keyOf(found)} ${document.path}`;
      return this.#extensions.of(key, () => server.client.plugin(uriOf(home, document.path), known.language));
    } catch {
      // The connection went: all of this is asked again with the next.
      return [];
    }
  }

  #find(server: ServerId, path: string): Promise<LspServer | null> {
    const key = `${server} ${parentOf(path)}`;
    const known = this.#found.of(key, () => this.#ports.services.call({ method: 'lsp.servers', path }).then((head) => head.server));
    known.catch(() => this.#found.forget(key));
    return known;
  }

  async #serverOf(found: LspServer, home: string): Promise<LanguageServer> {
    const { LanguageServer } = await import('./language-server.svelte.ts');
    const key = keyOf(found);
    this.#idle.cancel(key);
    const known = this.running.get(key);
    if (known !== undefined) return known;
    const { services, clock, documents, problems } = this.#ports;
    const log = this.#logs.of(key, () => new ServerLog());
    const server: LanguageServer = new LanguageServer(found, log, {
      ...{ services, clock, home },
      documentOf: (path) => documents.find(path),
      found: (path, list) => problems.set(`lsp ${key}`, path, list),
      applyEdit: (params) => this.#ports.applyEdit(params),
      define: (view, offset) => this.#ports.define(server, view, offset),
      changed: (state) => this.#became(found, state),
    });
    this.running.set(key, server);
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
  #keep(open: readonly { document: OpenDocument; path: string }[]): void {
    const pathOf = (document: OpenDocument) => open.find((each) => each.document === document)?.path;
    let moved = false;
    for (const [key, server] of this.running) {
      const home = this.#ports.home() ?? '';
      for (const { uri, document } of server.files.keep((file) => uriOf(home, pathOf(file.document) ?? '') === file.uri)) {
        server.diagnostics.forget(uri);
        moved ||= pathOf(document) !== undefined;
      }
      if (server.files.files.length === 0) this.#endLater(key, server);
    }
    if (moved) this.#round += 1;
  }

  #endLater(key: string, server: LanguageServer): void {
    this.#idle.start(key, IDLE_MS, () => {
      if (server.files.files.length > 0) return;
      server.dispose();
      this.running.delete(key);
      this.#extensions.forgetAll(`${key} `);
    });
  }
}

const keyOf = ({ server, root }: LspServer): string => `${server} ${root}`;
