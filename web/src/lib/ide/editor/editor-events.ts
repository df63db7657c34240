import { Facet } from '@codemirror/state';
import type { ClipboardRule } from '../clipboard.ts';
import type { OpenDocument } from './document.svelte.ts';

/** Where the cursor is, counted from 1. */
export interface CursorPosition {
  line: number;
  column: number;
  /** characters selected, in all cursors */
  selected: number;
}

/** What an editor says to the IDE around it. */
export interface CodeEditorEvents {
  moved(position: CursorPosition): void;
  edited(document: OpenDocument): void;
  /** Vim asks for it. @returns whether it was saved */
  save(document: OpenDocument): Promise<boolean>;
  /** Vim asks to close the tab in sight */
  close(): void;
  /** what may go to the clipboard and come from it */
  readonly clipboard: ClipboardRule;
  /** the mode of Vim's keys; null: they are not in force */
  vimMode(mode: string | null): void;
}

/** Null for editors that stand alone. */
export const editorEvents = Facet.define<CodeEditorEvents, CodeEditorEvents | null>({ combine: (values) => values[0] ?? null });
