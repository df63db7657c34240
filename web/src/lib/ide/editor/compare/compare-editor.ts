import { defaultKeymap } from '@codemirror/commands';
import { type Chunk, getChunks, goToNextChunk, goToPreviousChunk, MergeView, unifiedMergeView } from '@codemirror/merge';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, type TransactionSpec } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { cspNonce } from '../../csp-nonce.ts';
import { OpenDocument } from '../document.svelte.ts';
import { documentFacet } from '../document-facet.ts';
import { editorTheme } from '../editor-theme.ts';
import { sharedTextOf } from '../shared-text.ts';
import { shared, undoKeys } from '../undo.ts';
import { compareTheme } from './compare-theme.ts';

/** One of the two texts: that of an open file is edited in place, one that is just text is only read. */
export interface Side {
  /** said above it: “On disk”, “Staged”, “main” */
  label: string;
  content: string | OpenDocument;
}

export interface CompareOptions {
  before: Side;
  after: Side;
  /** in one column: what went stands above what came */
  unified: boolean;
  /** whether chunks of `before` can be taken over into `after` */
  take: boolean;
  /** Whether long stretches without changes are folded away. */
  folded: boolean;
  wordWrap: boolean;
  language: Extension;
  locked: boolean;
  edited(document: OpenDocument): void;
  /** the number of changes, after each change of either text */
  counted(changes: number): void;
}

const FOLDING = { margin: 3, minSize: 8 };
/** Larger differences are shown line by line only: nobody waits longer for the page. */
const DIFF = { scanLimit: 1_000, timeout: 200 };

/** Two texts side by side, or in one column. */
export class CompareEditor {
  readonly #merge: MergeView | null;
  /** the one that can be edited, if any can */
  readonly view: EditorView;
  readonly views: readonly EditorView[];
  readonly #leave: (() => void)[] = [];

  constructor(parent: HTMLElement, options: CompareOptions) {
    const collapse = options.folded ? { collapseUnchanged: FOLDING } : {};
    if (options.unified) {
      const original = textOf(options.before.content);
      const view: EditorView = new EditorView({
        parent,
        doc: docOf(options.after.content, options),
        extensions: [
          this.#side(options.after, options, () => view),
          unifiedMergeView({ original, mergeControls: false, diffConfig: DIFF, ...collapse }),
        ],
      });
      this.#merge = null;
      this.view = view;
      this.views = [view];
    } else {
      const merge: MergeView = new MergeView({
        parent,
        a: { doc: docOf(options.before.content, options), extensions: this.#side(options.before, options, () => merge.a) },
        b: { doc: docOf(options.after.content, options), extensions: this.#side(options.after, options, () => merge.b) },
        diffConfig: DIFF,
        ...(options.take && !options.locked ? { revertControls: 'a-to-b' as const, renderRevertControl: takeButton } : {}),
        ...collapse,
      });
      this.#merge = merge;
      this.view = merge.b;
      this.views = [merge.a, merge.b];
    }
    options.counted(this.#chunks().length);
  }

  /** Goes to the next change or the one before, around the end. */
  go(direction: 'next' | 'previous'): void {
    this.view.focus();
    (direction === 'next' ? goToNextChunk : goToPreviousChunk)(this.view);
  }

  destroy(): void {
    for (const leave of this.#leave) leave();
    if (this.#merge !== null) this.#merge.destroy();
    else this.view.destroy();
  }

  #chunks(): readonly Chunk[] {
    return getChunks(this.view.state)?.chunks ?? [];
  }

  #side({ label, content }: Side, options: CompareOptions, view: () => EditorView): Extension {
    const common: Extension = [
      EditorView.cspNonce.of(cspNonce()),
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      lineNumbers(),
      highlightSpecialChars(),
      drawSelection(),
      highlightSelectionMatches(),
      search({ top: true }),
      EditorView.updateListener.of(({ docChanged }) => docChanged && options.counted(this.#chunks().length)),
      options.wordWrap ? EditorView.lineWrapping : [],
      options.language,
      editorTheme,
      compareTheme,
    ];
    if (!(content instanceof OpenDocument)) return [common, EditorState.readOnly.of(true), keymap.of([...searchKeymap, ...defaultKeymap])];
    const text = sharedTextOf(content, options.edited);
    const follower = (spec: TransactionSpec): void => view().dispatch(spec);
    this.#leave.push(text.join(follower));
    return [
      common,
      documentFacet.of(content),
      shared.of({ text, follower }),
      EditorView.updateListener.of(({ transactions }) => transactions.forEach((transaction) => text.took(transaction, follower))),
      EditorState.lineSeparator.of('\n'),
      EditorState.readOnly.of(options.locked),
      undoKeys,
      keymap.of([...searchKeymap, ...defaultKeymap]),
    ];
  }
}

const normal = (text: string): string => text.replaceAll('\r\n', '\n');
const textOf = (content: Side['content']): string => normal(typeof content === 'string' ? content : content.buffer.read());
const docOf = (content: Side['content'], { edited }: CompareOptions): EditorState['doc'] | string =>
  typeof content === 'string' ? normal(content) : sharedTextOf(content, edited).doc;

function takeButton(): HTMLElement {
  const button = document.createElement('button');
  button.className = 'cm-take';
  button.textContent = '→';
  button.title = 'Take this over to the right';
  button.setAttribute('aria-label', 'Take this change over to the right');
  return button;
}
