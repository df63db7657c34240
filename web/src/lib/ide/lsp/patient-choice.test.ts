import { autocompletion, type CompletionResult, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, indentWithTab } from '@codemirror/commands';
import { EditorView, keymap } from '@codemirror/view';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { patientChoice } from './patient-choice.ts';

/** Enter and Tab at a list of completions whose server answers when the test says so. */

let view: EditorView;
let answer: (labels: string[]) => Promise<void>;

beforeEach(() => {
  // jsdom lays nothing out
  Range.prototype.getClientRects = () => document.createElement('i').getClientRects();
  // A page that draws nothing has nothing to measure.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const source = () =>
    new Promise<CompletionResult | null>((resolve) => {
      answer = async (labels) => {
        resolve(labels.length === 0 ? null : { from: 0, options: labels.map((label) => ({ label })) });
        await vi.advanceTimersByTimeAsync(100);
      };
    });
  view = new EditorView({
    parent: document.body,
    extensions: [autocompletion({ override: [source] }), patientChoice, keymap.of([...defaultKeymap, indentWithTab])],
  });
});
afterEach(() => {
  view.destroy();
  vi.useRealTimers();
});

const text = () => view.state.doc.toString();
const press = (key: string) => view.contentDOM.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));

function type(letters: string): void {
  view.dispatch({ ...view.state.replaceSelection(letters), userEvent: 'input.type' });
}

/** A list is in sight, and asked for anew for another letter. */
async function openAndType(): Promise<void> {
  type('pr');
  startCompletion(view);
  await vi.advanceTimersByTimeAsync(60);
  await answer(['price', 'print']);
  expect(view.dom.querySelectorAll('[role="option"]')).toHaveLength(2);
  type('i');
  await vi.advanceTimersByTimeAsync(110);
}

describe.each([
  ['Enter', 'pri\n'],
  ['Tab', '  pri'],
])('%s while a list is on its way', (key, without) => {
  it('chooses from it when it is there', async () => {
    await openAndType();
    press(key);
    expect(text()).toBe('pri');
    await answer(['price', 'print']);
    expect(text()).toBe('price');
  });

  it('does what it always does, where the list has nothing', async () => {
    await openAndType();
    press(key);
    await answer([]);
    expect(text()).toBe(without);
  });

  it('and where the server takes too long', async () => {
    await openAndType();
    press(key);
    await vi.advanceTimersByTimeAsync(700);
    expect(text()).toBe(without);
    await answer(['price']);
    expect(text()).toBe(without);
  });

  it('comes before what is pressed after it', async () => {
    await openAndType();
    press(key);
    press('ArrowLeft');
    expect(text()).toBe(without);
  });
});

it('a list that is there is chosen from at once, by Tab, too', async () => {
  type('pr');
  startCompletion(view);
  await vi.advanceTimersByTimeAsync(60);
  await answer(['price']);
  press('Tab');
  expect(text()).toBe('price');
});

it('without a list a line ends at once', () => {
  type('pr');
  press('Enter');
  expect(text()).toBe('pr\n');
});
