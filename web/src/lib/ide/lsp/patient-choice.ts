import { acceptCompletion, completionStatus, currentCompletions } from '@codemirror/autocomplete';
import { indentMore, insertNewlineAndIndent } from '@codemirror/commands';
import { type EditorState, type Extension, Prec } from '@codemirror/state';
import { type Command, type EditorView, keymap, ViewPlugin, type ViewUpdate } from '@codemirror/view';

/** A server that needs longer than this makes nobody wait for a new line. */
const PATIENCE_MS = 700;
const MODIFIERS = ['Shift', 'Control', 'Alt', 'Meta'];

/** Whether nothing can be chosen yet, but will be. */
const isAsking = (state: EditorState) => completionStatus(state) === 'pending' && currentCompletions(state).length === 0;

/**
 * Enter and Tab while a list of completions is asked for anew, after another letter: it is in sight, but the editor takes no choice from
 * it and would break the line. They wait for the new list and choose from that. Whatever is done meanwhile comes after them.
 */
class PatientChoice {
  readonly #view: EditorView;
  /** what the key that waits does where nothing is to be chosen */
  #otherwise: Command | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: EditorView) {
    this.#view = view;
  }

  /** @returns whether it waits */
  wait(otherwise: Command): boolean {
    const isInSight = this.#view.dom.querySelector('.cm-tooltip-autocomplete') !== null;
    if (!isInSight || !isAsking(this.#view.state)) return false;
    this.#otherwise = otherwise;
    this.#timer = setTimeout(() => this.settle(), PATIENCE_MS);
    return true;
  }

  update({ state }: ViewUpdate): void {
    // A view can't be changed while it is told of a change.
    if (this.#otherwise !== null && !isAsking(state)) queueMicrotask(() => this.settle());
  }

  /** Chooses, or does what the key does without a list. */
  settle(): void {
    const otherwise = this.#otherwise;
    this.#otherwise = null;
    clearTimeout(this.#timer);
    if (otherwise !== null && !acceptCompletion(this.#view)) otherwise(this.#view);
  }

  destroy(): void {
    this.#otherwise = null;
    clearTimeout(this.#timer);
  }
}

const plugin = ViewPlugin.fromClass(PatientChoice, {
  eventObservers: {
    keydown({ key }) {
      if (!MODIFIERS.includes(key)) this.settle();
    },
    mousedown() {
      this.settle();
    },
  },
});

const orWait =
  (otherwise: Command): Command =>
  (view) =>
    acceptCompletion(view) || view.plugin(plugin)?.wait(otherwise) === true;

/** Enter and Tab choose from a list of completions, one that is on its way, too. */
export const patientChoice: Extension = [
  plugin,
  Prec.highest(
    keymap.of([
      { key: 'Enter', run: orWait(insertNewlineAndIndent) },
      { key: 'Tab', run: orWait(indentMore) },
    ]),
  ),
];
