import { LSPPlugin } from '@codemirror/lsp-client';
import { getIndentUnit, indentUnit } from '@codemirror/language';
import { ChangeSet, type ChangeSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { toast } from '#lib/toast.svelte.ts';
import { z } from 'zod';
import type { OpenDocument, Place } from '../editor/document.svelte.ts';
import type { RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import type { CodeEditor } from '../editor/code-editor.ts';
import type { Documents } from '../editor/documents.svelte.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import type { Layout } from '../layout/layout.svelte.ts';
import type { Settings } from '../settings/settings.svelte.ts';
import type { LanguageServers } from './language-servers.svelte.ts';
import { nameOf } from '../files/paths.ts';
import { EditApplier, type PlannedEdit } from './edit-applier.ts';
import { showHover } from './editor-extensions.ts';
import { offsetOf, ordered, positionOf, spanOf } from './positions.ts';
import { ReferenceList } from './references.svelte.ts';
import {
  codeAction,
  codeActions,
  documentSymbols,
  locations,
  prepared,
  textEdits,
  workspaceEdit,
  workspaceSymbols,
  type CodeAction,
  type DocumentSymbol,
  type Location,
  type TextEdit,
  type WorkspaceSymbol,
} from './schemas.ts';
import type { LanguageServer } from './language-server.svelte.ts';
import { isThere } from './there.ts';
import { pathOf, placeOf, uriOf } from './uris.ts';

export const GOALS = { definition: 'definition', typeDefinition: 'type', implementation: 'implementation' } as const;
export type Goal = keyof typeof GOALS;

/** The editor, its file and the server that knows it. */
interface Here {
  server: LanguageServer;
  view: EditorView;
  document: OpenDocument;
  uri: string;
}

/** Something to rename: where, what it is called, and a change that was thought out. */
export class Rename {
  readonly here: Here;
  readonly offset: number;
  readonly before: string;
  name = $state('');
  plan = $state.raw<readonly PlannedEdit[] | null>(null);
  error = $state<string | null>(null);
  busy = $state(false);

  constructor(here: Here, offset: number, before: string) {
    this.here = here;
    this.offset = offset;
    this.before = before;
    this.name = before;
  }
}

/** Actions to choose from, at a place of the page. */
export interface ActionMenu {
  here: Here;
  actions: readonly CodeAction[];
  at: { left: number; top: number };
}

/** Where what is meant stands: of something selected, as of what was found, that is where it begins. */
const cursorOf = ({ state }: EditorView): number => state.selection.main.from;

/** More files than this are looked at before they are changed. */
const FEW_FILES = 3;
const UNDO_MS = 15_000;

/** What of the IDE it works with. */
interface Surroundings {
  readonly files: RemoteFiles;
  readonly documents: Documents;
  readonly languageServers: LanguageServers;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly hello: RunnerHello | null;
  readonly editor: CodeEditor | null;
  references: ReferenceList | null;
  openFile(path: string, place: Place | null): void;
  failed(what: string, why: string): void;
}

/** What people do with a language server, by key, menu or palette. */
export class Features {
  readonly #ide: Surroundings;
  readonly #applier: EditApplier;
  rename = $state.raw<Rename | null>(null);
  menu = $state.raw<ActionMenu | null>(null);
  /** how many things go on that a person asked for and that may change files */
  #acting = 0;

  constructor(ide: Surroundings) {
    this.#ide = ide;
    this.#applier = new EditApplier({
      files: ide.files,
      root: () => ide.hello?.root ?? '/nowhere',
      find: (path) => ide.documents.find(path),
      change: (document, edits, after) => this.#change(document, edits, after),
    });
  }

  /** Goes to what stands at the cursor, or at another place of an editor. */
  async goTo(goal: Goal, from: Here | null = this.here(), offset?: number): Promise<void> {
    if (from === null) return this.#nothing();
    const { server, view, uri } = from;
    if (!server.can(`${goal}Provider`)) return this.#cannot(`go to a ${GOALS[goal]}`);
    const at = offset ?? cursorOf(view);
    const answer = await this.#ask(server, `textDocument/${goal}`, { textDocument: { uri }, position: positionOf(view.state.doc, at) });
    const found = locations.safeParse(answer).data ?? [];
    const [first] = found;
    if (first === undefined) return this.#tell(`No ${GOALS[goal]} was found`);
    if (found.length === 1) return this.open(first);
    await this.#list(`${found.length} ${GOALS[goal]}s`, found);
  }

  /** Goes to where what stands at a place of an editor is defined. */
  define(server: LanguageServer, view: EditorView, offset: number): void {
    const uri = LSPPlugin.get(view)?.uri;
    const document = this.#ide.documents.find(pathOf(this.#ide.hello?.root ?? '', uri ?? '') ?? '');
    if (uri !== undefined && document !== undefined) void this.goTo('definition', { server, view, document, uri }, offset);
  }

  async references(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    const { server, view, uri } = here;
    if (!server.can('referencesProvider')) return this.#cannot('find references');
    const head = cursorOf(view);
    const word = view.state.wordAt(head);
    const name = word === null ? 'this' : view.state.sliceDoc(word.from, word.to);
    const params = { textDocument: { uri }, position: positionOf(view.state.doc, head), context: { includeDeclaration: true } };
    const found = locations.safeParse(await this.#ask(server, 'textDocument/references', params)).data ?? [];
    if (found.length === 0) return this.#tell('No references were found');
    await this.#list(name, found);
  }

  /** Opens a place, where it is a file of the workspace. */
  open({ uri, range }: Location): void {
    const path = pathOf(this.#ide.hello?.root ?? '', uri);
    if (path === null) return this.#tell('That is outside the workspace', placeOf(uri) ?? uri);
    this.#ide.openFile(path, {
      line: range.start.line + 1,
      from: range.start.character,
      to: range.end.line === range.start.line ? range.end.character : range.start.character,
    });
  }

  async hover(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    if (!(await showHover(here.view, here.server))) this.#tell('Nothing is known of what stands at the cursor');
  }

  /** Begins to rename what stands at the cursor. */
  async startRename(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    const { server, view, uri } = here;
    if (!server.can('renameProvider')) return this.#cannot('rename');
    const head = cursorOf(view);
    const { renameProvider } = server.client.serverCapabilities ?? {};
    let [from, name] = [head, ''];
    if (typeof renameProvider === 'object' && renameProvider.prepareProvider === true) {
      const answer = await this.#ask(server, 'textDocument/prepareRename', {
        textDocument: { uri },
        position: positionOf(view.state.doc, head),
      });
      const { data } = prepared.safeParse(answer);
      if (!isThere(data)) return this.#tell('This can’t be renamed');
      if (data !== 'word') {
        const span = spanOf(view.state.doc, data.range);
        [from, name] = [span.from, data.placeholder ?? view.state.sliceDoc(span.from, span.to)];
      }
    }
    const word = view.state.wordAt(head);
    if (name === '' && word !== null) [from, name] = [word.from, view.state.sliceDoc(word.from, word.to)];
    if (name === '') return this.#tell('There is nothing to rename at the cursor');
    this.rename = new Rename(here, from, name);
  }

  /** Renames; where many files would change, they are shown first, and the second call does it. */
  async doRename(): Promise<void> {
    const { rename } = this;
    const name = rename?.name.trim() ?? '';
    if (rename === null || rename.busy || name === '') return;
    if (name === rename.before) return void (this.rename = null);
    rename.busy = true;
    rename.error = null;
    try {
      const plan = rename.plan ?? (await this.#planRename(rename, name));
      if (rename.plan === null && plan.length > FEW_FILES) rename.plan = plan;
      else await this.#finishRename(rename, plan, name);
    } catch (thrown) {
      rename.error = wordsOf(thrown);
      rename.plan = null;
    } finally {
      rename.busy = false;
    }
  }

  /** Shows what can be done where the cursor stands. */
  async actions(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    if (!here.server.can('codeActionProvider')) return this.#cannot('offer quick fixes');
    const { view } = here;
    const { main } = view.state.selection;
    const found = await this.#actionsAt(here, main.from, main.to);
    if (found.length === 0) return this.#tell('Nothing can be done here by itself');
    const at = view.coordsAtPos(main.head) ?? { left: 200, bottom: 200 };
    this.menu = { here, actions: found, at: { left: at.left, top: at.bottom + 4 } };
  }

  async act(action: CodeAction, here: Here): Promise<void> {
    this.menu = null;
    here.view.focus();
    await this.#acted(async () => {
      const resolved = await this.#resolved(action, here.server);
      const edit = workspaceEdit.safeParse(resolved.edit ?? undefined);
      if (edit.success) await this.#apply(resolved.title, await this.#applier.plan(edit.data));
      else if (isThere(resolved.edit)) throw new Error('It would create, move or delete files. That is not done from here.');
      const command =
        typeof resolved.command === 'string' ? { command: resolved.command, arguments: resolved['arguments'] } : resolved.command;
      if (isThere(command)) await here.server.ask('workspace/executeCommand', { command: command.command, arguments: command.arguments });
    }, action.title);
  }

  async organiseImports(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    const found = await this.#actionsAt(here, 0, here.view.state.doc.length, ['source.organizeImports']);
    const action = found.find(({ kind }) => kind?.startsWith('source.organizeImports') === true);
    if (action === undefined) return this.#tell('Imports can’t be organised here');
    await this.act(action, here);
  }

  async format(): Promise<void> {
    const here = this.here();
    if (here === null) return this.#nothing();
    const edits = await this.formatting(here.document);
    if (edits === null) return this.#cannot('format');
    if (edits.length > 0) this.#change(here.document, edits, null);
  }

  /** What formats an open file; null: its server can't. @throws Error when it fails */
  async formatting(document: OpenDocument): Promise<readonly TextEdit[] | null> {
    const known = this.#ide.languageServers.of(document);
    if (known?.kind !== 'there' || !known.running.can('documentFormattingProvider')) return null;
    const uri = uriOf(this.#ide.hello?.root ?? '', document.path);
    const view = known.running.files.getFile(uri)?.getView();
    const options = !isThere(view)
      ? { tabSize: this.#ide.settings.now.tabSize, insertSpaces: true }
      : { tabSize: getIndentUnit(view.state), insertSpaces: !view.state.facet(indentUnit).includes('\t') };
    return textEdits.parse(await known.running.ask('textDocument/formatting', { textDocument: { uri }, options }));
  }

  /** Formats an open file, as before it is saved. @returns whether its server can */
  async formatDocument(document: OpenDocument): Promise<boolean> {
    const edits = await this.formatting(document);
    if (edits !== null && edits.length > 0) this.#change(document, edits, null);
    return edits !== null;
  }

  async documentSymbols(): Promise<DocumentSymbol[]> {
    const here = this.here();
    if (here === null || !here.server.can('documentSymbolProvider')) return [];
    const answer = await here.server.ask('textDocument/documentSymbol', { textDocument: { uri: here.uri } });
    return documentSymbols.parse(answer);
  }

  async workspaceSymbols(query: string): Promise<WorkspaceSymbol[]> {
    const servers = [...this.#ide.languageServers.running.values()].filter((server) => server.can('workspaceSymbolProvider'));
    const answers = await Promise.all(servers.map((server) => server.ask('workspace/symbol', { query }).catch(() => null)));
    return answers.flatMap((answer) => workspaceSymbols.safeParse(answer).data ?? []);
  }

  /** A change that a server asks for: made while a person waits for what it does, and else refused. */
  async applyEdit(params: unknown): Promise<boolean> {
    const asked = z.object({ label: z.string().nullish(), edit: workspaceEdit }).safeParse(params);
    if (!asked.success || this.#acting === 0) return false;
    await this.#apply(asked.data.label ?? 'Changed', await this.#applier.plan(asked.data.edit));
    return true;
  }

  /** Where somebody works now; null: no server knows it. */
  here(): Here | null {
    const { editor, documents, languageServers } = this.#ide;
    const document = documents.active;
    const view = editor?.view ?? null;
    const plugin = view === null ? null : LSPPlugin.get(view);
    const known = languageServers.of(document);
    if (document === null || view === null || plugin === null || known?.kind !== 'there') return null;
    return { server: known.running, view, document, uri: plugin.uri };
  }

  async #planRename({ here, offset }: Rename, newName: string): Promise<PlannedEdit[]> {
    const params = { textDocument: { uri: here.uri }, position: positionOf(here.view.state.doc, offset), newName };
    const answer = await here.server.ask('textDocument/rename', params);
    const edit = workspaceEdit.safeParse(answer ?? undefined);
    if (!edit.success)
      throw new Error(!isThere(answer) ? 'This can’t be renamed' : 'It would move files, too. That is not done from here.');
    const plan = await this.#applier.plan(edit.data);
    if (plan.length === 0) throw new Error('This can’t be renamed');
    return plan;
  }

  async #finishRename(rename: Rename, plan: readonly PlannedEdit[], name: string): Promise<void> {
    await this.#apply(`${rename.before} is now ${name}`, plan);
    this.rename = null;
    rename.here.view.focus();
  }

  async #actionsAt({ server, view, uri }: Here, from: number, to: number, only?: string[]): Promise<CodeAction[]> {
    const { doc } = view.state;
    const touched = server.diagnostics.of(uri).filter(({ range }) => {
      const span = spanOf(doc, range);
      return span.from <= to && span.to >= from;
    });
    const params = {
      textDocument: { uri },
      range: { start: positionOf(doc, from), end: positionOf(doc, to) },
      context: { diagnostics: touched, ...(only === undefined ? {} : { only }) },
    };
    const found = codeActions.safeParse(await this.#ask(server, 'textDocument/codeAction', params)).data ?? [];
    return found
      .filter(({ disabled }) => !isThere(disabled))
      .sort((a, b) => Number(b.isPreferred === true) - Number(a.isPreferred === true));
  }

  async #resolved(action: CodeAction, server: LanguageServer): Promise<CodeAction> {
    const provider = server.client.serverCapabilities?.codeActionProvider;
    const resolves = typeof provider === 'object' && provider.resolveProvider === true;
    if (isThere(action.edit) || !resolves) return action;
    return codeAction.parse(await server.ask('codeAction/resolve', action));
  }

  /** Makes a change that was thought out, and offers to take it back. */
  async #apply(title: string, plan: readonly PlannedEdit[]): Promise<void> {
    if (plan.length === 0) return;
    const { files, unsaved, undo } = await this.#applier.apply(plan);
    if (files === 1 && unsaved === 1) return;
    const where = `In ${files === 1 ? 'one file' : `${files} files`}${unsaved > 0 ? `, ${unsaved} of them open and not saved yet` : ''}.`;
    toast(title, {
      description: where,
      duration: UNDO_MS,
      action: {
        label: 'Undo',
        onClick: () =>
          void undo().then((left) => {
            if (left.length > 0) this.#ide.failed('Not all of it was taken back', left.map(({ path, why }) => `${path}: ${why}`).join(' '));
          }),
      },
    });
  }

  /** @param after the text that comes of it; null: whatever it is */
  #change(document: OpenDocument, edits: readonly TextEdit[], after: string | null): void {
    const uri = uriOf(this.#ide.hello?.root ?? '', document.path);
    const view = [...this.#ide.languageServers.running.values()]
      .map(({ files }) => files.getFile(uri)?.getView())
      .find((found) => isThere(found));
    if (!isThere(view)) {
      if (after !== null) document.buffer.replace(after);
      return document.edited();
    }
    const { doc } = view.state;
    const changes = ordered(edits).map(({ range, newText }): ChangeSpec => {
      return { from: offsetOf(doc, range.start), to: offsetOf(doc, range.end), insert: newText.replaceAll('\r\n', '\n') };
    });
    view.dispatch({ changes: ChangeSet.of(changes, doc.length, '\n'), userEvent: 'input.language' });
  }

  async #list(name: string, found: readonly Location[]): Promise<void> {
    const list = new ReferenceList(name, this.#ide, found);
    this.#ide.references = list;
    this.#ide.layout.showBottom('references');
    await list.read();
  }

  async #ask(server: LanguageServer, method: string, params: object): Promise<unknown> {
    try {
      return await server.ask(method, params);
    } catch (thrown) {
      this.#ide.failed('The language server did not answer', wordsOf(thrown));
      return null;
    }
  }

  async #acted(work: () => Promise<void>, what: string): Promise<void> {
    this.#acting += 1;
    try {
      await work();
    } catch (thrown) {
      this.#ide.failed(`“${what}” was not done`, wordsOf(thrown));
    } finally {
      this.#acting -= 1;
    }
  }

  #nothing(): void {
    const document = this.#ide.documents.active;
    const known = this.#ide.languageServers.of(document);
    if (document === null) return this.#tell('Open a file first');
    if (known?.kind === 'there' && known.state.kind !== 'ready') return this.#tell('The language server is not ready', whyNot(known.state));
    this.#tell(
      `No language server knows “${nameOf(document.path)}”`,
      'Which ones there are, and what is missing, stands in the status bar.',
    );
  }

  #cannot(what: string): void {
    this.#tell('Not here', `The language server of this file can’t ${what}.`);
  }

  #tell(title: string, detail: string | null = null): void {
    toast(title, { description: detail ?? '' });
  }
}

const whyNot = (state: { kind: string; why?: string }): string => state.why ?? 'It is starting.';

function wordsOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) return String(thrown.message).slice(0, 500);
  return 'Something unexpected happened on this page.';
}
