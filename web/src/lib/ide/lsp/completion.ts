import { LSPPlugin, type WorkspaceMapping } from '@codemirror/lsp-client';
import {
  autocompletion,
  completeFromList,
  snippet,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSource,
} from '@codemirror/autocomplete';
import { inPieces } from '#lib/in-pieces.ts';
import type { ChangeSpec, Extension } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { patientChoice } from './patient-choice.ts';
import { offsetOf, positionOf } from './positions.ts';
import { completionItem, completions, type CompletionItem, type TextEdit } from './schemas.ts';
import { isThere } from './there.ts';

const SNIPPET = 2;
const DEPRECATED = 1;
const TRIGGERED = 2;
const INVOKED = 1;

// prettier-ignore
const KINDS = ['', 'text', 'method', 'function', 'class', 'property', 'variable', 'class', 'interface', 'namespace', 'property', 'keyword',
  'constant', 'enum', 'keyword', 'text', 'constant', 'text', 'text', 'text', 'constant', 'constant', 'class', 'keyword', 'keyword', 'type'];

/** The protocol's snippets as the editor writes them: `$1` is `${1}`, choices are their first, and the end comes last. */
export const snippetOf = (text: string): string =>
  text
    .replaceAll(/\$\{(\d+)\|([^,|}]*)[^}]*\|\}/g, '${$1:$2}')
    .replaceAll(/\$\{0(:[^}]*)?\}|\$0/g, '${}')
    .replaceAll(/\\([$}\\])|\$(\d+)/g, (_whole, escaped: string | undefined, field: string) => escaped ?? `\${${field}}`);

/** Completions of the language server of the file; where it has none, or does not run, those that the editor knows by itself. */
export function serverCompletions(): Extension {
  const mappings = new WeakMap<LSPPlugin, WorkspaceMapping>();
  const ask: CompletionSource = async (context) => {
    const plugin = context.view === undefined ? null : LSPPlugin.get(context.view);
    const provider = plugin?.client.serverCapabilities?.completionProvider;
    if (plugin === null || !provider) return null;
    const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos);
    const isTrigger = provider.triggerCharacters?.includes(before) === true;
    // A space alone would open a list at every word.
    if (!context.explicit && !(isTrigger && before.trim() !== '') && !/[\p{L}\p{N}_$]/u.test(before)) return null;
    plugin.client.sync();
    mappings.get(plugin)?.destroy();
    const mapping = plugin.client.workspaceMapping();
    mappings.set(plugin, mapping);
    const params = {
      textDocument: { uri: plugin.uri },
      position: positionOf(context.state.doc, context.pos),
      context: isTrigger && !context.explicit ? { triggerKind: TRIGGERED, triggerCharacter: before } : { triggerKind: INVOKED },
    };
    context.addEventListener('abort', () => plugin.client.cancelRequest(params));
    const answer = await plugin.client.request<object, unknown>('textDocument/completion', params).catch(() => null);
    return answer === null || context.aborted ? null : resultOf(answer, context, plugin, mapping, provider.resolveProvider === true);
  };
  const source: CompletionSource = async (context) => (await ask(context)) ?? (context.aborted ? null : ofLanguage(context));
  return [autocompletion({ override: [source] }), patientChoice];
}

/** What the editor itself knows of a language: names of the file, words and snippets. */
async function ofLanguage(context: CompletionContext): Promise<CompletionResult | null> {
  const own = context.state.languageDataAt<CompletionSource | readonly (string | Completion)[]>('autocomplete', context.pos);
  for (const each of own) {
    const found = await (typeof each === 'function' ? each : completeFromList(each))(context);
    if (found !== null) return found;
  }
  return null;
}

async function resultOf(
  answer: unknown,
  context: CompletionContext,
  plugin: LSPPlugin,
  mapping: WorkspaceMapping,
  resolves: boolean,
): Promise<CompletionResult | null> {
  const list = completions.safeParse(answer).data ?? null;
  const read = await inPieces(
    list?.items ?? [],
    (item) => completionItem.safeParse(item).data ?? [],
    () => !context.aborted,
  );
  const items = read?.flat() ?? [];
  const [first] = items;
  if (list === null || first === undefined) return null;
  const { doc } = context.state;
  const defaultRange = list.itemDefaults?.editRange;
  const own = !isThere(first.textEdit) ? null : 'range' in first.textEdit ? first.textEdit.range : first.textEdit.insert;
  const range = !isThere(defaultRange) ? own : 'insert' in defaultRange ? defaultRange.insert : defaultRange;
  const word = context.matchBefore(/[\p{L}\p{N}_$]*/u);
  const from = range === null ? (word?.from ?? context.pos) : offsetOf(doc, range.start);
  const resolver = new Resolver(plugin, resolves);
  const defaults = { insertTextFormat: list.itemDefaults?.insertTextFormat, data: list.itemDefaults?.data };
  return {
    from,
    options: items.map((item) =>
      optionOf({ ...item, data: item['data'] ?? defaults.data }, defaults.insertTextFormat === SNIPPET, resolver, mapping),
    ),
    // Where what is shown begins with what is looked for, the same letters fit.
    getMatch: ({ label, displayLabel = label }, matched = []) => (displayLabel.startsWith(label) ? matched : []),
    ...(list.isIncomplete === true ? {} : { validFor: /^[\p{L}\p{N}_$]*$/u }),
  };
}

/** Asks for the rest of an item once: its documentation, and what it changes elsewhere. */
class Resolver {
  readonly plugin: LSPPlugin;
  readonly #resolves: boolean;
  readonly #known = new WeakMap<CompletionItem, Promise<CompletionItem>>();

  constructor(plugin: LSPPlugin, resolves: boolean) {
    this.plugin = plugin;
    this.#resolves = resolves;
  }

  of(item: CompletionItem): Promise<CompletionItem> {
    const known = this.#known.get(item) ?? this.#ask(item);
    this.#known.set(item, known);
    return known;
  }

  async #ask(item: CompletionItem): Promise<CompletionItem> {
    if (!this.#resolves) return item;
    const answer = await this.plugin.client.request<object, unknown>('completionItem/resolve', item).catch(() => null);
    return completionItem.safeParse(answer).data ?? item;
  }
}

function optionOf(item: CompletionItem, isSnippet: boolean, resolver: Resolver, mapping: WorkspaceMapping): Completion {
  const text = item.textEdit?.newText ?? item.textEditText ?? item.insertText ?? item.label;
  const type = KINDS[item.kind ?? 0] ?? '';
  const { detail, description } = item.labelDetails ?? {};
  const [label, shown] = [item.filterText ?? item.label, `${item.label}${detail ?? ''}`];
  return {
    label,
    ...(shown === label ? {} : { displayLabel: shown }),
    ...(type === '' ? {} : { type: item.tags?.includes(DEPRECATED) === true ? `${type} deprecated` : type }),
    ...(!isThere(description) ? {} : { detail: description }),
    sortText: item.sortText ?? item.label,
    boost: item.preselect === true ? 1 : 0,
    info: () => infoOf(item, resolver),
    apply: (view, _completion, from, to) => {
      if ((item.insertTextFormat ?? (isSnippet ? SNIPPET : 1)) === SNIPPET) snippet(snippetOf(text))(view, _completion, from, to);
      else
        view.dispatch({
          changes: { from, to, insert: text },
          selection: { anchor: from + text.length },
          userEvent: 'input.complete',
          scrollIntoView: true,
        });
      void applyMore(view, item, resolver, mapping);
    },
  };
}

async function infoOf(item: CompletionItem, resolver: Resolver): Promise<Node | null> {
  const { detail, documentation } = await resolver.of(item);
  const holder = document.createElement('div');
  holder.className = 'cm-lsp-documentation';
  if (isThere(detail) && detail !== '') {
    const signature = document.createElement('pre');
    signature.textContent = detail.slice(0, 2000);
    holder.append(signature);
  }
  const words = markupOf(documentation);
  if (words !== null) {
    const body = document.createElement('div');
    // sanitised by the client
    body.innerHTML = resolver.plugin.docToHTML(words);
    holder.append(body);
  }
  return holder.childNodes.length === 0 ? null : holder;
}

/** What a completion changes elsewhere, as an import at the top: where that has moved to meanwhile. */
async function applyMore(view: EditorView, item: CompletionItem, resolver: Resolver, mapping: WorkspaceMapping): Promise<void> {
  const edits: readonly TextEdit[] = item.additionalTextEdits ?? (await resolver.of(item)).additionalTextEdits ?? [];
  if (edits.length === 0 || LSPPlugin.get(view) !== resolver.plugin) return;
  const { uri } = resolver.plugin;
  const changes = edits.map(({ range, newText }): ChangeSpec => {
    const from = mapping.mapPosition(uri, range.start, 1);
    return { from, to: Math.max(from, mapping.mapPosition(uri, range.end, 1)), insert: newText };
  });
  view.dispatch({ changes, userEvent: 'input.complete' });
}

/** Documentation as the protocol gives it; null: there is none. */
function markupOf(value: unknown): string | { kind: 'markdown' | 'plaintext'; value: string } | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value !== 'object' || value === null || !('value' in value) || typeof value.value !== 'string' || value.value === '')
    return null;
  return { kind: 'kind' in value && value.kind === 'markdown' ? 'markdown' : 'plaintext', value: value.value };
}
