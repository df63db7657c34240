import { getCM, Vim } from '@replit/codemirror-vim';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClipboardRule, STAYS_INSIDE } from '../../clipboard.ts';
import { CodeEditor } from '../code-editor.ts';
import type { CodeEditorEvents } from '../editor-events.ts';
import { OpenDocument } from '../document.svelte.ts';
import { encodeText } from '../text-file.ts';
// read here, so that no test waits for it
import './vim.ts';

const entry = { name: 'a', kind: 'file' as const, size: 1, modified: 0 };

let most: number | null;
let happened: string[];
let clipboard: { text: string };
let editor: CodeEditor;

beforeEach(async () => {
  most = null;
  happened = [];
  clipboard = { text: 'from outside' };
  // jsdom lays nothing out
  Range.prototype.getClientRects = () => document.createElement('i').getClientRects();
  vi.stubGlobal('navigator', {
    ...navigator,
    clipboard: {
      writeText: (text: string) => ((clipboard.text = text), Promise.resolve()),
      readText: () => Promise.resolve(clipboard.text),
    },
  });
  const file = new OpenDocument(
    'a.txt',
    {
      read: () => Promise.resolve({ entry, etag: 'v1', bytes: encodeText('one\ntwo\n'), why: null }),
      stat: () => Promise.resolve({ ok: true, entry, etag: 'v1' }),
      write: () => Promise.resolve({ ok: true, entry, etag: 'v2' }),
    },
    { get: () => Promise.resolve(null), put: () => Promise.resolve(), remove: () => Promise.resolve(), paths: () => Promise.resolve([]) },
  );
  await file.load();
  const events: CodeEditorEvents = {
    moved: () => undefined,
    edited: (document) => document.edited(),
    save: ({ path }) => (happened.push(`save ${path}`), Promise.resolve(true)),
    close: () => happened.push('close'),
    clipboard: new ClipboardRule(() => ({ clipboardIn: most, clipboardOut: most }), {
      refused: (what) => happened.push(what),
      stayed: (what) => happened.push(what),
      blocked: () => undefined,
      write: (text) => (clipboard.text = text),
    }),
    vimMode: (mode) => happened.push(`mode ${mode}`),
  };
  editor = new CodeEditor(events);
  editor.show(file);
  await editor.prefer({ wordWrap: false, tabSize: 2, vim: true });
});
afterEach(() => {
  editor.destroy();
  vi.unstubAllGlobals();
});

function press(keys: string): void {
  const cm = getCM(editor.view);
  if (cm === null) throw new Error('Vim is not there');
  for (const key of keys) Vim.handleKey(cm, key, 'user');
}
const command = (line: string): void => {
  const cm = getCM(editor.view);
  if (cm !== null) Vim.handleEx(cm as Parameters<typeof Vim.handleEx>[0], line);
};
const text = () => editor.view.state.doc.toString();
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe('Vim', () => {
  it('edits, and takes back what was done, in the history that all editors share', () => {
    press('dd');
    expect(text()).toBe('two\n');
    press('u');
    expect(text()).toBe('one\ntwo\n');
  });

  it('tells its mode', () => {
    press('i');
    expect(happened).toEqual(['mode normal', 'mode insert']);
  });

  it('saves and closes by its commands', async () => {
    command('w');
    command('wq');
    await settle();
    command('q');
    expect(happened.filter((what) => !what.startsWith('mode'))).toEqual(['save a.txt', 'save a.txt', 'close', 'close']);
  });

  it('writes the clipboard and reads it, where the policy lets it', async () => {
    press('"+yy');
    expect(clipboard.text).toBe('one\n');
    clipboard.text = 'zero\n';
    press('"+P');
    await settle();
    expect(text()).toContain('zero');
  });

  it('keeps inside what may not go out, pastes it there, and takes in nothing that may not come', async () => {
    most = 0;
    press('"+yy');
    expect(clipboard.text).toBe(STAYS_INSIDE);
    expect(happened).toContain('Copied inside the workspace');
    press('"+P');
    await settle();
    expect(text()).toContain('one\none');
    clipboard.text = 'from outside';
    press('"+p');
    await settle();
    expect(text()).not.toContain('outside');
    expect(happened).toContain('Not pasted');
  });
});
