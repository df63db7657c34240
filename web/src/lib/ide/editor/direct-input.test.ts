import { closeBrackets } from '@codemirror/autocomplete';
import { EditorSelection, EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { afterEach, describe, expect, it } from 'vitest';
import { directInput } from './direct-input.ts';

let view: EditorView;

function open(doc: string, ...extensions: Extension[]): void {
  view = new EditorView({
    parent: document.body,
    doc,
    extensions: [directInput, EditorState.allowMultipleSelections.of(true), ...extensions],
  });
  select(doc.length);
}

/** In the text and, as the browser has it, in the page. */
function select(anchor: number, head = anchor): void {
  view.dispatch({ selection: { anchor, head } });
  const [from, to] = [view.domAtPos(anchor), view.domAtPos(head)];
  getSelection()?.setBaseAndExtent(from.node, from.offset, to.node, to.offset);
}

/** What the browser tells before it writes. @returns whether it is left to write */
function type(data: string, more: InputEventInit = {}, ranges: StaticRange[] = []): boolean {
  const event = new InputEvent('beforeinput', { inputType: 'insertText', data, bubbles: true, cancelable: true, ...more });
  event.getTargetRanges = () => ranges;
  return view.contentDOM.dispatchEvent(event);
}

const text = () => view.state.doc.toString();

afterEach(() => view.destroy());

describe('what is typed', () => {
  it('is in the text at once, in place of what was selected, and the browser writes nothing', () => {
    open('one two');
    expect(type('!')).toBe(false);
    select(0, 3);
    expect(type('1')).toBe(false);
    expect(text()).toBe('1 two!');
    expect(view.state.selection.main.head).toBe(1);
  });

  it('goes where each cursor is, and the way of all that listens to typing', () => {
    open('a\nb', closeBrackets());
    view.dispatch({ selection: EditorSelection.create([EditorSelection.cursor(1), EditorSelection.cursor(3)], 1) });
    const end = view.domAtPos(3);
    getSelection()?.collapse(end.node, end.offset);
    expect(type('(')).toBe(false);
    expect(text()).toBe('a()\nb()');
  });

  it('is left to the browser while letters are composed, where it corrects a word, and where its cursor is another', () => {
    open('one');
    expect(type('é', { isComposing: true })).toBe(true);
    expect(type('one', { inputType: 'insertReplacementText' })).toBe(true);
    const line = view.domAtPos(0);
    expect(type('O', {}, [new StaticRange({ startContainer: line.node, startOffset: 0, endContainer: line.node, endOffset: 1 })])).toBe(
      true,
    );
    getSelection()?.collapse(view.domAtPos(1).node, view.domAtPos(1).offset);
    expect(type('x')).toBe(true);
    expect(text()).toBe('one');
  });

  it('changes nothing where nothing may be changed', () => {
    open('one', EditorState.readOnly.of(true));
    expect(type('x')).toBe(true);
    expect(text()).toBe('one');
  });
});
