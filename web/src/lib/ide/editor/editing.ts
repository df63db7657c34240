import type { EditorView } from '@codemirror/view';
import type { IdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import type { ClipboardRule } from '../clipboard.ts';
import type { Clock } from '../connection/ports.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import type { Prompts } from '../prompts.svelte.ts';
import { Contributions } from './contributions.svelte.ts';
import { copiedFrom } from './copied.ts';
import { Delayed } from './delayed.ts';
import type { OpenDocument } from './document.svelte.ts';
import { Documents } from './documents.svelte.ts';
import type { DraftStore } from './drafts.ts';
import { EditorConfigs } from './editorconfig/editor-configs.ts';
import { Formatters } from './formatters.ts';
import type { EditorGroup } from './group.svelte.ts';
import { Saver } from './saver.ts';
import { type EditorTab, FileTab } from './tab.svelte.ts';
import { Workbench } from './workbench.svelte.ts';
import { WorkspaceDrafts } from './workspace-drafts.ts';

export interface EditingPorts {
  files: RemoteFiles;
  drafts: DraftStore;
  clock: Clock;
  userId: string;
  prompts: Prompts;
  clipboard: ClipboardRule;
  settings: () => IdeSettings;
  /** whether files may be changed from here now */
  mayChange: () => boolean;
  /** somebody has changed a text */
  changed: () => void;
}

/** Unsaved work is written down this long after the last key. */
const KEEP_MS = 500;

/** All that has to do with files being edited: their tabs, their saving, and what others add to it. */
export class Editing {
  readonly #ports: EditingPorts;
  readonly #toKeep: Delayed<OpenDocument>;
  readonly documents: Documents;
  readonly workbench: Workbench;
  readonly contributions = new Contributions();
  readonly formatters = new Formatters();
  readonly styles: EditorConfigs;
  readonly saver: Saver;
  /** editors that stand in other tabs than those of files: they add themselves */
  readonly views = new Set<EditorView>();

  constructor(ports: EditingPorts) {
    this.#ports = ports;
    this.#toKeep = new Delayed(ports.clock, KEEP_MS);
    this.documents = new Documents(ports.files, new WorkspaceDrafts(ports.drafts, ports));
    this.workbench = new Workbench(this.documents, () => ports.settings().previewTabs);
    this.styles = new EditorConfigs(ports.files);
    const lineOf = (document: OpenDocument): number | null => {
      const { group } = this.workbench;
      return group.document === document && group.cursor !== null ? group.cursor.line - 1 : null;
    };
    this.saver = new Saver({ ...ports, styleOf: (path) => this.styles.styleOf(path), lineOf }, this.formatters);
  }

  /** The code of the editor, which is as much as that of all the page around it. */
  readonly loadCode = () => import('./code-editor.ts');

  /** Gives the group its editor, with the first file in it. */
  async loadEditor(group: EditorGroup): Promise<void> {
    const { CodeEditor } = await this.loadCode();
    if (group.editor !== null || !this.workbench.groups.includes(group)) return;
    group.editor = new CodeEditor({
      moved: (position) => (group.cursor = position),
      edited: (document) => this.edited(document),
      save: (document) => this.saver.save(document),
      close: () => void this.closeTab(group.active, group),
      clipboard: this.#ports.clipboard,
      vimMode: (mode) => (group.vimMode = mode),
    });
    group.editor.lock(!this.#ports.mayChange());
  }

  /** Whether files may be changed from here is another matter now. */
  lock(locked: boolean): void {
    for (const { editor } of this.workbench.groups) editor?.lock(locked);
  }

  /** The text of a file is other than it was. */
  edited(document: OpenDocument): void {
    this.#ports.changed();
    document.edited();
    if (document.dirty) this.workbench.keep(document);
    this.saver.edited(document);
    this.#toKeep.plan(document, () => void document.keep());
  }

  /** What a copy from that element would take; null: it is in no editor. */
  copiedFrom(element: Element): string | null {
    const views = [...this.workbench.groups.flatMap(({ editor }) => editor?.view ?? []), ...this.views];
    const view = views.find(({ contentDOM }) => contentDOM.contains(element));
    return view === undefined ? null : copiedFrom(view);
  }

  /** Saves what is in sight. */
  async save(): Promise<void> {
    const { active } = this.workbench.group;
    if (active instanceof FileTab) await this.saver.save(active.document);
    else await active?.save?.();
  }

  /** Saves each open file that is not. @returns whether all are */
  async saveAll(documents: readonly OpenDocument[] = this.documents.all): Promise<boolean> {
    const saved = await Promise.all(documents.filter(({ dirty }) => dirty).map((document) => this.saver.save(document)));
    return saved.every(Boolean);
  }

  /** Closes a tab; asks first when that would lose work. */
  async closeTab(tab: EditorTab | null = this.workbench.group.active, group: EditorGroup = this.workbench.group): Promise<void> {
    if (tab === null) return;
    const document = tab instanceof FileTab && this.workbench.tabsOf(tab.document) === 1 ? tab.document : null;
    const may = document === null ? ((await tab.mayClose?.()) ?? true) : await this.#mayClose(document);
    if (!may) return;
    if (document !== null) {
      this.#toKeep.cancel(document);
      this.saver.forget(document);
    }
    this.workbench.close(tab, group);
  }

  /** Writes all unsaved work down now, because the page may go away. */
  keepAll(): void {
    for (const document of this.documents.all) void document.keep();
  }

  /** @param paths that changed on disk; null: all of them may have */
  async changed(paths: readonly string[] | null): Promise<void> {
    if (this.styles.changed(paths)) void this.#restyle();
    await this.documents.changed(paths);
  }

  dispose(): void {
    this.keepAll();
    this.#toKeep.cancelAll();
    this.saver.dispose();
    this.workbench.dispose();
  }

  async #restyle(): Promise<void> {
    for (const document of this.documents.all) document.style = await this.styles.styleOf(document.path);
  }

  async #mayClose(document: OpenDocument): Promise<boolean> {
    if (!document.dirty) return true;
    const answer = await this.#ports.prompts.ask({
      title: `Save “${document.name}” before closing?`,
      text: 'It has changes that are not in the workspace yet.',
      choices: [
        { label: 'Don’t save', look: 'plain', value: 'drop' },
        { label: 'Save', look: 'primary', value: 'save' },
      ],
    });
    return answer === 'drop' || (answer === 'save' && (await this.saver.save(document)));
  }
}
