import { type Extension, Facet, Prec } from '@codemirror/state';
import { type Command, EditorView, keymap } from '@codemirror/view';
import type { Follower, SharedText } from './shared-text.ts';

/** How an editor takes a step back in the text that it shares with others. */
export const shared = Facet.define<{ text: SharedText; follower: Follower }>();

const step =
  (direction: 'undo' | 'redo'): Command =>
  ({ state }) => {
    if (state.readOnly) return false;
    return state.facet(shared).some(({ text, follower }) => text.step(direction, follower));
  };
export const undoShared = step('undo');
export const redoShared = step('redo');

/** Undo by keys, and as the browser's menu asks for it. */
export const undoKeys: Extension = [
  Prec.high(
    keymap.of([
      { key: 'Mod-z', run: undoShared, preventDefault: true },
      { key: 'Mod-y', mac: 'Mod-Shift-z', run: redoShared, preventDefault: true },
      { linux: 'Ctrl-Shift-z', run: redoShared, preventDefault: true },
    ]),
  ),
  EditorView.domEventHandlers({
    beforeinput: (event, view) => {
      const command = event.inputType === 'historyUndo' ? undoShared : event.inputType === 'historyRedo' ? redoShared : null;
      if (command === null) return false;
      event.preventDefault();
      return command(view);
    },
  }),
];
