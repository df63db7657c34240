import { hoverTooltips, LSPPlugin, signatureHelp, type LSPClientExtension } from '@codemirror/lsp-client';
import { Prec, StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, EditorView, showTooltip, ViewPlugin, type DecorationSet, type Tooltip, type ViewUpdate } from '@codemirror/view';
import { z } from 'zod';
import { serverCompletions } from './completion.ts';
import { diagnosticsDisplay } from './diagnostics.ts';
import { positionOf, spanOf } from './positions.ts';
import { highlights, range } from './schemas.ts';
import { isThere } from './there.ts';

/** After the cursor came to rest. */
const HIGHLIGHT_MS = 200;

/** What is asked of a language server here. */
interface Server {
  readonly diagnostics: { ask(uri: string): void };
  can(capability: string): boolean;
  ask(method: string, params: object): Promise<unknown>;
}

/** What a language server adds to the editors of its files. */
export function editorExtensions(server: Server, define: (view: EditorView, offset: number) => void): (Extension | LSPClientExtension)[] {
  return [
    serverCompletions(),
    hoverTooltips({ hoverTime: 300 }),
    signatureHelp(),
    hoverByKey,
    diagnosticsDisplay,
    Prec.highest(clickToDefinition(define)),
    highlightSame(server),
    EditorView.updateListener.of(({ docChanged, view }) => {
      const plugin = docChanged ? LSPPlugin.get(view) : null;
      if (plugin !== null) server.diagnostics.ask(plugin.uri);
    }),
    theme,
  ];
}

/** Ctrl and a click go where a name is defined; Alt and a click set another cursor instead. */
const clickToDefinition = (define: (view: EditorView, offset: number) => void): Extension =>
  EditorView.domEventHandlers({
    mousedown: (event, view) => {
      if (event.button !== 0 || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return false;
      const offset = view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (offset === null || view.state.wordAt(offset) === null) return false;
      event.preventDefault();
      define(view, offset);
      return true;
    },
  });

const setHighlights = StateEffect.define<DecorationSet>();
const highlighted = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (value, transaction) => {
    const set = transaction.effects.find((effect) => effect.is(setHighlights));
    if (set !== undefined) return set.value;
    return transaction.docChanged ? value.map(transaction.changes) : value;
  },
  provide: (field) => EditorView.decorations.from(field),
});
const same = Decoration.mark({ class: 'cm-lsp-same' });

/** Marks the other places of what stands at the cursor. */
const highlightSame = (server: Server): Extension => [
  highlighted,
  ViewPlugin.fromClass(
    class {
      #timer: ReturnType<typeof setTimeout> | undefined;

      update({ selectionSet, docChanged, view }: ViewUpdate): void {
        if (!selectionSet && !docChanged) return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#ask(view), HIGHLIGHT_MS);
      }

      destroy(): void {
        clearTimeout(this.#timer);
      }

      async #ask(view: EditorView): Promise<void> {
        const plugin = LSPPlugin.get(view);
        const { state } = view;
        const { main } = state.selection;
        if (plugin === null || !server.can('documentHighlightProvider')) return;
        const isName = main.empty && state.wordAt(main.head) !== null;
        const params = { textDocument: { uri: plugin.uri }, position: positionOf(state.doc, main.head) };
        const answer = isName ? await server.ask('textDocument/documentHighlight', params).catch(() => null) : null;
        const found = highlights.safeParse(answer).data ?? [];
        if (view.state.doc !== state.doc || view.state.selection.main.head !== main.head) return;
        const marks = found.map((each) => spanOf(state.doc, each.range)).filter(({ from, to }) => from < to);
        if (marks.length === 0 && state.field(highlighted, false)?.size === 0) return;
        view.dispatch({
          effects: setHighlights.of(
            Decoration.set(
              marks.map(({ from, to }) => same.range(from, to)),
              true,
            ),
          ),
        });
      }
    },
  ),
];

const setHover = StateEffect.define<Tooltip | null>();
const hoverByKey = StateField.define<Tooltip | null>({
  create: () => null,
  update: (value, transaction) => {
    const set = transaction.effects.find((effect) => effect.is(setHover));
    if (set !== undefined) return set.value;
    return transaction.docChanged || transaction.selection !== undefined ? null : value;
  },
  provide: (field) => showTooltip.from(field),
});

const marked = z.union([
  z.string(),
  z.object({ language: z.string(), value: z.string() }),
  z.object({ kind: z.string(), value: z.string() }),
]);
const hover = z.union([z.null(), z.object({ contents: z.union([marked, z.array(marked)]), range: range.optional() })]);

/** Shows what the server knows of the word at the cursor, without a pointer. @returns whether it knows something */
export async function showHover(view: EditorView, server: Server): Promise<boolean> {
  const plugin = LSPPlugin.get(view);
  if (plugin === null) return false;
  const { head } = view.state.selection.main;
  const params = { textDocument: { uri: plugin.uri }, position: positionOf(view.state.doc, head) };
  const { data } = hover.safeParse(await server.ask('textDocument/hover', params).catch(() => null));
  if (!isThere(data) || view.state.selection.main.head !== head) return false;
  const parts = Array.isArray(data.contents) ? data.contents : [data.contents];
  const words = parts.map((part) => {
    if (typeof part === 'string') return part;
    return 'language' in part ? `\`\`\`${part.language}\n${part.value}\n\`\`\`` : part.value;
  });
  const create = () => {
    const dom = document.createElement('div');
    dom.className = 'cm-lsp-hover-tooltip cm-lsp-documentation';
    dom.setAttribute('role', 'status');
    // sanitised by the client
    dom.innerHTML = plugin.docToHTML({ kind: 'markdown', value: words.join('\n\n') });
    return { dom };
  };
  view.dispatch({ effects: setHover.of({ pos: head, above: true, create }) });
  return true;
}

const theme = EditorView.theme({
  '.cm-lsp-same': { background: 'var(--bg-selected)', borderRadius: '2px' },
  '.cm-lsp-documentation': {
    ...{ maxWidth: '560px', maxHeight: '320px', overflow: 'auto', padding: '6px 10px', fontFamily: 'var(--font-ui)' },
    ...{ fontSize: 'var(--text-3)', lineHeight: '1.5', whiteSpace: 'normal' },
  },
  '.cm-lsp-documentation pre, .cm-lsp-documentation code': { fontFamily: 'var(--font-mono)', fontSize: 'var(--text-2)' },
  '.cm-lsp-documentation pre': { whiteSpace: 'pre-wrap', margin: '2px 0' },
  '.cm-lsp-documentation p': { margin: '4px 0' },
  '.cm-lsp-documentation a': { color: 'var(--accent)' },
  '.cm-lsp-signature-tooltip': { padding: '4px 10px', fontFamily: 'var(--font-mono)', fontSize: 'var(--text-2)' },
  '.cm-lsp-active-parameter': { fontWeight: '700' },
  '.cm-completionIcon-type.deprecated ~ .cm-completionLabel': { textDecoration: 'line-through' },
});
