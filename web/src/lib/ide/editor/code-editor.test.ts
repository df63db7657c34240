import { Facet } from '@codemirror/state';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClipboardRule } from '../clipboard.ts';
import { CodeEditor } from './code-editor.ts';
import type { CursorPosition } from './editor-events.ts';
import { OpenDocument } from './document.svelte.ts';
import type { DraftStore } from './drafts.ts';
import { encodeText } from './text-file.ts';
import { redoShared, undoShared } from './undo.ts';

const drafts: DraftStore = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  paths: () => Promise.resolve([]),
};
const entry = (size: number) => ({ name: 'a', kind: 'file' as const, size, modified: 0 });

const clipboard = new ClipboardRule(() => null, {
  refused: () => undefined,
  stayed: () => undefined,
  blocked: () => undefined,
  write: () => undefined,
});
const silent = { clipboard, save: () => Promise.resolve(false), close: () => undefined, vimMode: () => undefined };

let written: Record<string, string>;
let positions: CursorPosition[];
let editor: CodeEditor;

async function open(path: string, text: string): Promise<OpenDocument> {
  const bytes = encodeText(text);
  const document = new OpenDocument(
    path,
    {
      read: () => Promise.resolve({ entry: entry(bytes.byteLength), etag: 'v1', bytes, why: null }),
      stat: () => Promise.resolve({ ok: true, entry: entry(bytes.byteLength), etag: 'v1' }),
      write: (to, saved) => {
        written[to] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(saved);
        return Promise.resolve({ ok: true, entry: entry(saved.byteLength), etag: 'v2' });
      },
    },
    drafts,
  );
  await document.load();
  return document;
}

beforeEach(() => {
  written = {};
  positions = [];
  editor = new CodeEditor({ moved: (position) => positions.push(position), edited: (document) => document.edited(), ...silent });
});
afterEach(() => editor.destroy());

describe('the editor', () => {
  it.each(['one\ntwo\n', 'one\r\ntwo\r\n', 'one\r\ntwo\nthree', '\ufeffone\n'])('saves %j as it was read', async (text) => {
    const document = await open('a.txt', text);
    editor.show(document);
    await document.save();
    expect(written['a.txt']).toBe(text);
    expect(document.buffer.holds(text)).toBe(true);
  });

  it('does not read the whole text again for a letter more', async () => {
    const document = await open('a.txt', 'one\n');
    editor.show(document);
    const read = vi.spyOn(document.buffer, 'read');
    editor.view.dispatch({ changes: { from: 0, insert: 'x' }, userEvent: 'input.type' });
    expect(document.dirty).toBe(true);
    expect(read).not.toHaveBeenCalled();
  });

  it('ends new lines as the file does', async () => {
    const document = await open('a.txt', 'one\r\n');
    editor.show(document);
    document.buffer.replace('one\r\ntwo\r\nthree\r\n');
    expect(document.dirty).toBe(true);
    await document.save();
    expect(written['a.txt']).toBe('one\r\ntwo\r\nthree\r\n');
  });

  it('keeps what was typed in a file while another is in sight', async () => {
    const [first, second] = [await open('a.txt', 'one\n'), await open('b.txt', 'two\n')];
    editor.show(first);
    first.buffer.replace('one and a half\n');
    editor.show(second);
    expect(first.buffer.read()).toBe('one and a half\n');
    editor.show(first);
    expect(first.buffer.read()).toBe('one and a half\n');
    expect([first.dirty, second.dirty]).toEqual([true, false]);
  });

  it('follows a change on disk of a file that is not in sight', async () => {
    const [first, second] = [await open('a.txt', 'one\n'), await open('b.txt', 'two\n')];
    editor.show(first);
    editor.show(second);
    first.buffer.replace('changed\n');
    editor.show(first);
    expect(first.buffer.read()).toBe('changed\n');
  });

  it('tells where the cursor is', async () => {
    editor.show(await open('a.txt', 'one\n'));
    expect(positions.at(-1)).toEqual({ line: 1, column: 1, selected: 0 });
  });
});

describe('two editors of one file', () => {
  let other: CodeEditor;
  let document: OpenDocument;
  beforeEach(async () => {
    other = new CodeEditor({ moved: () => undefined, edited: (edited) => edited.edited(), ...silent });
    document = await open('a.txt', 'one\n');
    editor.show(document);
    other.show(document);
  });
  afterEach(() => other.destroy());
  const type = (into: CodeEditor, text: string) =>
    into.view.dispatch({ changes: { from: 0, insert: text }, selection: { anchor: text.length }, userEvent: 'input.type' });
  const texts = () => [editor, other].map(({ view }) => view.state.doc.toString());

  it('show the same text, and each has its own cursor', () => {
    type(editor, 'zero ');
    expect(texts()).toEqual(['zero one\n', 'zero one\n']);
    expect([editor, other].map(({ view }) => view.state.selection.main.head)).toEqual([5, 0]);
    other.view.dispatch({ selection: { anchor: 9 } });
    expect(editor.view.state.selection.main.head).toBe(5);
    expect(document.dirty).toBe(true);
  });

  it('have one history: what was typed in one is taken back in the other', () => {
    type(editor, 'zero ');
    undoShared(other.view);
    expect(texts()).toEqual(['one\n', 'one\n']);
    redoShared(editor.view);
    expect(texts()).toEqual(['zero one\n', 'zero one\n']);
  });

  it('stay in step while one shows another file, and after one is gone', async () => {
    other.show(await open('b.txt', 'else\n'));
    type(editor, 'zero ');
    other.show(document);
    expect(other.view.state.doc.toString()).toBe('zero one\n');
    editor.forget(document);
    type(other, 'minus one ');
    undoShared(other.view);
    undoShared(other.view);
    expect(document.buffer.read()).toBe('one\n');
    expect(document.dirty).toBe(false);
  });
});

it('what other parts add is there in open files and in those opened later', async () => {
  const note = Facet.define<string>();
  const marked: string[] = [];
  editor.show(await open('a.txt', 'one\n'));
  editor.contribute([(added) => (marked.push(added.path), note.of(added.path))]);
  editor.show(await open('b.txt', 'two\n'));
  await Promise.resolve();
  await Promise.resolve();
  expect(marked).toEqual(['a.txt', 'b.txt']);
  expect(editor.view.state.facet(note)).toEqual(['b.txt']);
});
