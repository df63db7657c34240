import { autocompletion, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap, selectNextOccurrence } from '@codemirror/search';
import type { Extension } from '@codemirror/state';
import { keymap } from '@codemirror/view';
import { indentationMarkers } from '@replit/codemirror-indentation-markers';
import type { OpenDocument } from './document.svelte.ts';
import { directInput } from './direct-input.ts';
import { findPanel } from './find-panel.ts';
import { overview } from './overview/overview.ts';

/** Guides cost more than they help where texts are this long. */
const MOST_GUIDED = 2_000_000;

const guides: Extension = indentationMarkers({
  hideFirstIndent: true,
  thickness: 1,
  colors: {
    light: 'var(--border-subtle)',
    dark: 'var(--border-subtle)',
    activeLight: 'var(--border-control)',
    activeDark: 'var(--border-control)',
  },
});

const helps: Extension = [
  directInput,
  closeBrackets(),
  autocompletion(),
  highlightSelectionMatches(),
  search({ top: true }),
  findPanel,
  overview,
  keymap.of([
    { key: 'Mod-d', run: selectNextOccurrence, preventDefault: true },
    { key: 'Mod-h', run: openSearchPanel, preventDefault: true },
    ...closeBracketsKeymap,
    ...searchKeymap,
  ]),
];

/** What helps in an editor, but is not needed for a text that can be edited: it comes right behind that. */
export const comfortFor = (document: OpenDocument): Extension => [helps, document.size > MOST_GUIDED ? [] : guides];
