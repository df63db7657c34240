import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/**
 * What is typed goes into the text at once. Else the browser writes it into the page and lays that out, for the editor to read it back
 * from there, to draw it anew and to have it laid out again. What composes letters (accents, Chinese) or replaces others than those
 * selected (corrections) takes that way still, as the browser alone knows what becomes of it.
 */
export const directInput: Extension = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { inputType, data, isComposing } = event;
    if (inputType !== 'insertText' || data === null || isComposing || view.composing || view.state.readOnly) return false;
    const { from, to } = view.state.selection.main;
    if (!isAt(view, event, from, to)) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(view.state.toText(data)), { userEvent: 'input.type', scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, insert))) view.dispatch(insert());
    return true;
  },
});

/** Whether the browser would write where the editor's selection is. Chromium names that place only where it is another than what is selected. */
function isAt(view: EditorView, event: InputEvent, from: number, to: number): boolean {
  const selected = getSelection();
  const [range] = [...event.getTargetRanges(), ...(selected?.rangeCount === 1 ? [selected.getRangeAt(0)] : [])];
  if (range === undefined) return false;
  const isIn = view.contentDOM.contains(range.startContainer) && view.contentDOM.contains(range.endContainer);
  return (
    isIn && view.posAtDOM(range.startContainer, range.startOffset) === from && view.posAtDOM(range.endContainer, range.endOffset) === to
  );
}
