import { lintGutter, setDiagnostics, type Diagnostic as Shown } from '@codemirror/lint';
import { LSPPlugin, type LSPClient } from '@codemirror/lsp-client';
import { EditorView } from '@codemirror/view';
import type { Problem } from '../problems/problems.svelte.ts';
import { SEVERITIES, published, pulled, type Diagnostic } from './schemas.ts';
import { spanOf } from './positions.ts';
import type { SyncedFile, SyncedFiles } from './synced-files.ts';
import { isThere } from './there.ts';

/** After the last key, and after what else may have changed them. */
const PULL_MS = 300;
const UNNECESSARY = 1;

export interface DiagnosticsPorts {
  client: LSPClient;
  files(): SyncedFiles;
  /** what is wrong with a file; `path` null: it is none of the workspace */
  found(uri: string, problems: Problem[]): void;
  /** the server as people call it */
  tool: string;
}

/** What a server finds wrong: told by it, or asked for where it answers that. */
export class Diagnostics {
  readonly #ports: DiagnosticsPorts;
  readonly #known = new Map<string, readonly Diagnostic[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** files to ask for; null: all */
  #asked: Set<string> | null = new Set();

  constructor(ports: DiagnosticsPorts) {
    this.#ports = ports;
  }

  get #pulls(): boolean {
    return Boolean(this.#ports.client.serverCapabilities?.diagnosticProvider);
  }

  of(uri: string): readonly Diagnostic[] {
    return this.#known.get(uri) ?? [];
  }

  /** Told by the server, of any file. */
  take(params: unknown): void {
    const { data } = published.safeParse(params);
    if (data === undefined) return;
    const file = this.#ports.files().getFile(data.uri);
    if (file !== null && this.#pulls) return;
    // Of a text that has changed since: what is right now follows.
    if (file !== null && isThere(data.version) && data.version !== file.version) return;
    this.#set(data.uri, data.diagnostics);
  }

  /** Something may have become wrong, or right. @param uri of the file that changed; left out: others too */
  ask(uri?: string): void {
    if (!this.#pulls) return;
    // One file's change may be wrong in another.
    const provider = this.#ports.client.serverCapabilities?.diagnosticProvider;
    if (uri === undefined || provider?.interFileDependencies === true) this.#asked = null;
    else this.#asked?.add(uri);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pull(), PULL_MS);
  }

  /** An editor shows the file. */
  show(file: SyncedFile): void {
    for (const view of file.views) this.#draw(file, view);
  }

  forget(uri: string): void {
    this.#known.delete(uri);
    this.#ports.found(uri, []);
  }

  /** The server is not there any more: nobody knows. */
  clear(): void {
    clearTimeout(this.#timer);
    for (const uri of [...this.#known.keys()]) this.#set(uri, []);
    this.#known.clear();
  }

  #pull(): void {
    const { client } = this.#ports;
    const asked = this.#asked;
    this.#asked = new Set();
    client.sync();
    for (const file of this.#ports.files().files.filter(({ uri }) => asked === null || asked.has(uri))) {
      const { version, uri } = file;
      client.request<object, unknown>('textDocument/diagnostic', { textDocument: { uri } }).then(
        (answer) => {
          const { data } = pulled.safeParse(answer);
          if (data?.kind === 'full' && file.version === version) this.#set(uri, data.items);
        },
        // Another change came first, or the server has ended: it is asked again.
        () => undefined,
      );
    }
  }

  #set(uri: string, diagnostics: readonly Diagnostic[]): void {
    this.#known.set(uri, diagnostics);
    const file = this.#ports.files().getFile(uri);
    if (file !== null) this.show(file);
    this.#ports.found(
      uri,
      diagnostics.filter(({ tags }) => tags?.includes(UNNECESSARY) !== true).map((each) => problemOf(each, this.#ports.tool)),
    );
  }

  #draw(file: SyncedFile, view: EditorView): void {
    const plugin = LSPPlugin.get(view);
    if (plugin === null || plugin.uri !== file.uri) return;
    const { doc } = view.state;
    const shown = this.of(file.uri).map((diagnostic): Shown => {
      const { from, to } = spanOf(file.doc, diagnostic.range);
      const at = plugin.unsyncedChanges.mapPos(Math.min(from, file.doc.length));
      const end = plugin.unsyncedChanges.mapPos(Math.min(to, file.doc.length));
      const isUnnecessary = diagnostic.tags?.includes(UNNECESSARY) === true;
      return {
        from: Math.min(at, doc.length),
        to: Math.min(Math.max(at, end), doc.length),
        severity: SEVERITIES[(diagnostic.severity ?? 1) - 1] ?? 'error',
        source: [diagnostic.source, diagnostic.code].filter((part) => isThere(part) && part !== '').join(' '),
        message: diagnostic.message,
        ...(isUnnecessary ? { markClass: 'cm-unnecessary' } : {}),
      };
    });
    view.dispatch(setDiagnostics(view.state, shown));
  }
}

function problemOf({ range: { start, end }, severity, message, code, source }: Diagnostic, tool: string): Problem {
  return {
    ...{ line: start.line + 1, column: start.character + 1, end: { line: end.line + 1, column: end.character + 1 } },
    ...{ severity: SEVERITIES[(severity ?? 1) - 1] ?? 'error', message: message.slice(0, 2000) },
    ...{ code: !isThere(code) ? null : String(code), tool: source ?? tool },
  };
}

/** Drawn by lines and letters: the content policy lets no picture in, and shape tells what colour tells. */
const underline = (kind: string, style: string) => ({
  backgroundImage: 'none',
  textDecoration: `underline ${style} var(${kind})`,
  textUnderlineOffset: '3px',
});
const marker = (kind: string, letter: string) => ({
  content: `"${letter}"`,
  color: `var(${kind})`,
  fontSize: '10px',
  fontWeight: '600',
  lineHeight: 'inherit',
});
const theme = EditorView.theme({
  '.cm-lintRange-error': underline('--danger', 'wavy'),
  '.cm-lintRange-warning': underline('--warning', 'wavy'),
  '.cm-lintRange-info': underline('--fg-faint', 'dotted'),
  '.cm-lintRange-hint': underline('--fg-faint', 'dotted'),
  '.cm-unnecessary': { color: 'var(--fg-faint)', textDecoration: 'none' },
  '.cm-gutter-lint': { width: '14px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0', textAlign: 'center' },
  '.cm-lint-marker': { width: '100%', height: 'auto' },
  '.cm-lint-marker-error': marker('--danger', '■'),
  '.cm-lint-marker-warning': marker('--warning', '▲'),
  '.cm-lint-marker-info, .cm-lint-marker-hint': marker('--fg-faint', '●'),
  '.cm-diagnostic': {
    fontFamily: 'var(--font-ui)',
    borderLeft: '3px solid var(--border)',
    padding: '4px 10px',
    whiteSpace: 'pre-wrap',
    maxWidth: '560px',
  },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--danger)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warning)' },
  '.cm-diagnosticSource': { fontSize: 'var(--text-1)', color: 'var(--fg-faint)', opacity: '1' },
});

/** Where what is wrong is drawn. */
export const diagnosticsDisplay = [lintGutter(), theme];
