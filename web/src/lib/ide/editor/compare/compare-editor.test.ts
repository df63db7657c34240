import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OpenDocument } from '../document.svelte.ts';
import { encodeText } from '../text-file.ts';
import { undoShared } from '../undo.ts';
import { CompareEditor, type CompareOptions } from './compare-editor.ts';

const entry = { name: 'a', kind: 'file' as const, size: 1, modified: 0 };
let file: OpenDocument;
let counts: number[];
let editor: CompareEditor;

beforeEach(async () => {
  counts = [];
  file = new OpenDocument(
    'a.txt',
    {
      read: () => Promise.resolve({ entry, etag: 'v1', bytes: encodeText('one\r\ntwo\r\nthree\r\n'), why: null }),
      stat: () => Promise.resolve({ ok: true, entry, etag: 'v1' }),
      write: () => Promise.resolve({ ok: true, entry, etag: 'v2' }),
    },
    { get: () => Promise.resolve(null), put: () => Promise.resolve(), remove: () => Promise.resolve(), paths: () => Promise.resolve([]) },
  );
  await file.load();
});
afterEach(() => editor.destroy());

const compare = (unified: boolean): CompareEditor => {
  const options: CompareOptions = {
    before: { label: 'On disk', content: 'one\r\n2\r\nthree\r\n' },
    after: { label: 'Here', content: file },
    unified,
    take: true,
    folded: false,
    wordWrap: false,
    language: [],
    locked: false,
    edited: (document) => document.edited(),
    counted: (count) => counts.push(count),
  };
  return new CompareEditor(document.body.appendChild(document.createElement('div')), options);
};

describe.each([
  ['side by side', false],
  ['in one column', true],
])('a comparison %s', (_name, unified) => {
  it('counts what is different, whatever ends the lines', () => {
    editor = compare(unified);
    expect(counts.at(-1)).toBe(1);
  });

  it('edits the open file, which keeps its line ends and its one history', () => {
    editor = compare(unified);
    editor.view.dispatch({ changes: { from: 4, to: 7, insert: '2' }, userEvent: 'input' });
    expect(file.buffer.read()).toBe('one\r\n2\r\nthree\r\n');
    expect([file.dirty, counts.at(-1)]).toEqual([true, 0]);
    undoShared(editor.view);
    expect([file.dirty, counts.at(-1)]).toEqual([false, 1]);
  });

  it('follows what is typed elsewhere', () => {
    editor = compare(unified);
    file.buffer.replace('one\r\n2\r\nthree\r\n');
    expect(counts.at(-1)).toBe(0);
  });
});
