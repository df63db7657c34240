import { Facet } from '@codemirror/state';
import type { CodeEditorEvents } from './code-editor.ts';

/** What an editor says to the IDE around it; null for editors that stand alone. */
export const editorEvents = Facet.define<CodeEditorEvents, CodeEditorEvents | null>({ combine: (values) => values[0] ?? null });
