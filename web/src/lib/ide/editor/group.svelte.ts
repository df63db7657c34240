import type { CodeEditor } from './code-editor.ts';
import type { CursorPosition } from './editor-events.ts';
import type { OpenDocument } from './document.svelte.ts';
import { type EditorTab, FileTab, ViewTab } from './tab.svelte.ts';

/** Tabs that share one place of the page, and the editor that shows their files. */
export class EditorGroup {
  readonly id: number;
  tabs = $state.raw<readonly EditorTab[]>([]);
  active = $state.raw<EditorTab | null>(null);
  /** loads with the first file that can be edited */
  editor = $state.raw<CodeEditor | null>(null);
  cursor = $state.raw<CursorPosition | null>(null);
  /** of Vim's keys; null: they are not in force */
  vimMode = $state<string | null>(null);

  readonly files: readonly FileTab[] = $derived(this.tabs.filter((tab) => tab instanceof FileTab));
  readonly views: readonly ViewTab[] = $derived(this.tabs.filter((tab) => tab instanceof ViewTab));
  /** the file in sight */
  readonly document: OpenDocument | null = $derived(this.active instanceof FileTab ? this.active.document : null);

  constructor(id: number) {
    this.id = id;
  }

  find(id: string): EditorTab | undefined {
    return this.tabs.find((tab) => tab.id === id);
  }

  /** @param at where among the tabs; left out: after the one in sight */
  add(tab: EditorTab, at: number = this.active === null ? this.tabs.length : this.tabs.indexOf(this.active) + 1): void {
    this.tabs = this.tabs.toSpliced(at, 0, tab);
  }

  /** The tab beside it comes in sight, if this one was. */
  remove(tab: EditorTab): void {
    const at = this.tabs.indexOf(tab);
    this.tabs = this.tabs.filter((other) => other !== tab);
    if (this.active === tab) this.active = this.tabs[Math.min(at, this.tabs.length - 1)] ?? null;
    if (tab instanceof FileTab) this.editor?.forget(tab.document);
  }

  /** Goes to the tab `step` places on, around the end. */
  cycle(step: 1 | -1): void {
    const at = this.active === null ? 0 : this.tabs.indexOf(this.active);
    this.active = this.tabs[(at + step + this.tabs.length) % this.tabs.length] ?? null;
  }
}
