import { unique } from '../files/paths.ts';
import type { Column, RememberedTab } from '../memory.ts';
import type { CodeEditor } from './code-editor.ts';
import type { OpenDocument } from './document.svelte.ts';
import type { Documents } from './documents.svelte.ts';
import { EditorGroup } from './group.svelte.ts';
import { TabDrag } from './tab-drag.svelte.ts';
import { type AnyView, type EditorTab, FileTab, fileId, type View, ViewTab } from './tab.svelte.ts';

/** A screen has no room for more. */
const MOST_GROUPS = 8;

export interface Opening {
  /** only looked at: its tab gives way to the next such, until it is edited or kept */
  preview?: boolean;
  /** left out: the one that has the keyboard */
  group?: EditorGroup;
}

/** The tabs of the editor: columns side by side, each of groups one below the other. */
export class Workbench {
  readonly #documents: Documents;
  readonly #previews: () => boolean;
  #lastId = 0;
  columns = $state.raw<readonly (readonly EditorGroup[])[]>([]);
  /** has the keyboard, or had it last */
  group = $state.raw() as EditorGroup;
  /** what makes a view again after a reload, by its kind; null: it can't be */
  readonly revivals: Record<string, (memo: unknown) => AnyView | null> = {};

  readonly drag = new TabDrag(this);
  readonly groups: readonly EditorGroup[] = $derived(this.columns.flat());

  /** @param previews whether files may be shown in tabs that give way */
  constructor(documents: Documents, previews: () => boolean) {
    this.#documents = documents;
    this.#previews = previews;
    this.group = this.#makeGroup();
    this.columns = [[this.group]];
    documents.inSight = () => this.document;
  }

  /** the editor of the group that has the keyboard; null until a file was shown there */
  get editor(): CodeEditor | null {
    return this.group.editor;
  }

  /** the file in sight there */
  get document(): OpenDocument | null {
    return this.group.document;
  }

  /** Opens a file in a tab, or goes to the tab that it has in the group. */
  showFile(path: string, opening: Opening = {}): OpenDocument {
    const document = this.#documents.open(path);
    this.#show(fileId(path), opening, (preview) => new FileTab(document, preview));
    return document;
  }

  /** Opens something other than a file, or goes to the tab that it has in the group, which then shows the new props. */
  showView<Props extends object>(view: View<Props>, opening: Opening = {}): void {
    const tab = this.#show(view.id, opening, (preview) => new ViewTab(view, preview));
    if (tab instanceof ViewTab) tab.view = view;
  }

  /** Goes to a group and the tab in it. */
  activate(group: EditorGroup, tab: EditorTab | null = group.active): void {
    this.group = group;
    group.active = tab;
  }

  /** A new group beside or below that of the keyboard, with the tab that is in sight. */
  split(direction: 'right' | 'below', from: EditorGroup = this.group, tab: EditorTab | null = from.active): EditorGroup | null {
    if (this.groups.length >= MOST_GROUPS) return null;
    const made = this.#makeGroup();
    const column = this.columns.findIndex((groups) => groups.includes(from));
    const row = this.columns[column]?.indexOf(from) ?? 0;
    this.columns =
      direction === 'right'
        ? this.columns.toSpliced(column + 1, 0, [made])
        : this.columns.with(column, (this.columns[column] ?? []).toSpliced(row + 1, 0, made));
    if (tab !== null) made.add(copyOf(tab));
    this.activate(made, made.tabs[0] ?? null);
    return made;
  }

  /** The group after that of the keyboard; made, if there is none. For what is shown beside a file. */
  beside(): EditorGroup {
    const at = this.groups.indexOf(this.group);
    return this.groups[at + 1] ?? this.groups.find((group) => group !== this.group) ?? this.#emptyBeside();
  }

  /** Moves a tab to another group. @param at where among its tabs; left out: after the one in sight */
  move(tab: EditorTab, from: EditorGroup, to: EditorGroup, at?: number): void {
    const known = to.find(tab.id);
    if (from === to) {
      to.tabs = to.tabs.filter((other) => other !== tab).toSpliced(at ?? to.tabs.length, 0, tab);
    } else {
      if (known === undefined) to.add(tab, at);
      from.remove(tab);
      this.#tidy(from);
    }
    this.activate(to, known ?? tab);
  }

  /** Moves the tab in sight `step` groups on; past the last, into a new group. */
  moveOn(step: 1 | -1): void {
    const { group } = this;
    const tab = group.active;
    if (tab === null) return;
    const to = this.groups[this.groups.indexOf(group) + step] ?? (step === 1 && group.tabs.length > 1 ? this.#emptyBeside() : null);
    if (to !== null) this.move(tab, group, to);
  }

  /** Closes a tab; whoever calls has asked. Its file is closed with the last tab of it. */
  close(tab: EditorTab, group: EditorGroup): void {
    group.remove(tab);
    if (tab instanceof FileTab) this.#release(tab.document);
    this.#tidy(group);
  }

  /** Closes the tabs of a view, wherever they are. */
  closeView(id: string): void {
    for (const group of this.groups) {
      const tab = group.find(id);
      if (tab !== undefined) this.close(tab, group);
    }
  }

  /** Makes the tab of a file, or the one in sight, lasting. */
  keep(document?: OpenDocument): void {
    if (document === undefined && this.group.active !== null) this.group.active.preview = false;
    for (const { files } of this.groups) for (const tab of files) if (tab.document === document) tab.preview = false;
  }

  tabsOf(document: OpenDocument): number {
    return this.groups.filter(({ files }) => files.some((tab) => tab.document === document)).length;
  }

  /** What stands where, to be restored. */
  remember(): { columns: Column[]; group: number } {
    const columns = this.columns.map((groups) =>
      groups.map(({ tabs, active }) => {
        const lasting = tabs.flatMap((tab) => memoOf(tab) ?? []);
        const shown = active === null ? null : memoOf(active);
        return { tabs: lasting, active: lasting.findIndex((tab) => JSON.stringify(tab) === JSON.stringify(shown)) };
      }),
    );
    return { columns, group: this.groups.indexOf(this.group) };
  }

  /** Tabs of the last visit, and files with unsaved work that has no tab. */
  async restore({ columns, group }: { columns: Column[]; group: number }): Promise<void> {
    const drafts = await this.#documents.withDrafts();
    const wanted = columns.map((groups) => groups.filter(({ tabs }) => tabs.length > 0)).filter((groups) => groups.length > 0);
    const [first] = this.groups;
    // What was opened meanwhile stays where it is.
    if (wanted.length > 0 && first !== undefined && first.tabs.length === 0) {
      this.columns = wanted.map((groups, column) => groups.map((_, row) => (column === 0 && row === 0 ? first : this.#makeGroup())));
      wanted.flat().forEach(({ tabs, active }, index) => this.#fill(this.groups[index] ?? first, tabs, active));
      this.group = this.groups[group] ?? first;
    }
    const open = unique(this.groups.flatMap(({ files }) => files.map(({ document }) => document.path)));
    for (const path of drafts.filter((draft) => !open.includes(draft))) {
      this.group.add(new FileTab(this.#documents.open(path), false), this.group.tabs.length);
      this.group.active ??= this.group.tabs[0] ?? null;
    }
  }

  dispose(): void {
    for (const group of this.groups) group.editor?.destroy();
  }

  #show(id: string, { preview = false, group = this.group }: Opening, make: (preview: boolean) => EditorTab): EditorTab {
    const gives = preview && this.#previews();
    const known = group.find(id);
    const tab = known ?? make(gives);
    if (known !== undefined && !gives) known.preview = false;
    const before = known === undefined && gives ? group.tabs.find((other) => other.preview) : undefined;
    if (known === undefined) group.add(tab);
    this.activate(group, tab);
    if (before !== undefined) this.close(before, group);
    return tab;
  }

  #fill(group: EditorGroup, tabs: readonly RememberedTab[], active: number): void {
    const made = tabs.map((tab) => {
      if (tab.kind === 'file') return new FileTab(this.#documents.open(tab.path), tab.preview);
      const view = this.revivals[tab.of]?.(tab.memo) ?? null;
      return view === null ? null : new ViewTab(view, false);
    });
    group.tabs = made.filter((tab) => tab !== null);
    group.active = made[active] ?? group.tabs[0] ?? null;
  }

  #emptyBeside(): EditorGroup {
    const { group } = this;
    const made = this.split('right', group, null) ?? group;
    this.group = group;
    return made;
  }

  #makeGroup(): EditorGroup {
    this.#lastId += 1;
    return new EditorGroup(this.#lastId);
  }

  /** An empty group goes, unless it is the last. */
  #tidy(group: EditorGroup): void {
    if (group.tabs.length > 0 || this.groups.length === 1) return;
    const at = this.groups.indexOf(group);
    this.columns = this.columns.map((groups) => groups.filter((other) => other !== group)).filter((groups) => groups.length > 0);
    group.editor?.destroy();
    const next = this.groups[Math.max(0, at - 1)];
    if (this.group === group && next !== undefined) this.group = next;
  }

  #release(document: OpenDocument): void {
    if (this.tabsOf(document) === 0) this.#documents.close(document);
  }
}

const copyOf = (tab: EditorTab): EditorTab =>
  tab instanceof ViewTab ? new ViewTab(tab.view, false) : tab instanceof FileTab ? new FileTab(tab.document, false) : tab;

function memoOf(tab: EditorTab): RememberedTab | null {
  if (tab instanceof FileTab) return { kind: 'file', path: tab.document.path, preview: tab.preview };
  return tab instanceof ViewTab && tab.view.memo !== undefined ? { kind: 'view', of: tab.kind, memo: tab.view.memo } : null;
}
