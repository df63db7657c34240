import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import { OpenDocument } from './document.svelte.ts';
import type { DraftStore } from './drafts.ts';
import type { FileStyle } from './file-style.ts';
import { Formatters } from './formatters.ts';
import { Saver } from './saver.ts';
import { decodeText, encodeText } from './text-file.ts';

const drafts: DraftStore = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  paths: () => Promise.resolve([]),
};
const entry = { name: 'a', kind: 'file' as const, size: 1, modified: 0 };

let saved: string[];
let style: FileStyle;
let settings: { autosave: 'off' | 'delay' | 'focus'; formatOnSave: boolean };
let clock: ManualClock;
let formatters: Formatters;
let saver: Saver;
let line: number | null;
let drives: boolean;

async function open(text: string): Promise<OpenDocument> {
  const document = new OpenDocument(
    'a.txt',
    {
      read: () => Promise.resolve({ entry, etag: 'v1', bytes: encodeText(text), why: null }),
      stat: () => Promise.resolve({ ok: true, entry, etag: 'v1' }),
      write: (_path, bytes) => {
        saved.push(decodeText(bytes)?.text ?? '');
        return Promise.resolve({ ok: true, entry, etag: 'v2' });
      },
    },
    drafts,
  );
  await document.load();
  return document;
}

function type(document: OpenDocument, text: string): void {
  document.buffer.replace(text);
  document.edited();
  saver.edited(document);
}

beforeEach(() => {
  saved = [];
  style = {};
  settings = { autosave: 'off', formatOnSave: false };
  line = null;
  drives = true;
  clock = new ManualClock();
  formatters = new Formatters();
  saver = new Saver(
    { clock, settings: () => settings, styleOf: () => Promise.resolve(style), mayChange: () => drives, lineOf: () => line },
    formatters,
  );
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

describe('saving', () => {
  it('tidies as the project asks for', async () => {
    style = { trimTrailingWhitespace: true, insertFinalNewline: true, endOfLine: '\r\n', byteOrderMark: true };
    const document = await open('one  \ntwo');
    await saver.save(document);
    expect(saved).toEqual(['\ufeffone\r\ntwo\r\n']);
    expect(document.dirty).toBe(false);
  });

  it('changes nothing that nobody asks for', async () => {
    await saver.save(await open('one  \r\ntwo'));
    expect(saved).toEqual(['one  \r\ntwo']);
  });

  it('formats first, where that is wanted and something can', async () => {
    const upper = (document: OpenDocument) => (document.buffer.replace(document.buffer.read().toUpperCase()), Promise.resolve(true));
    formatters.add(() => Promise.resolve(false));
    const remove = formatters.add(upper);
    await saver.save(await open('one'));
    settings.formatOnSave = true;
    await saver.save(await open('two'));
    remove();
    await saver.save(await open('three'));
    expect(saved).toEqual(['one', 'TWO', 'three']);
  });

  it('does not wait for ever for a formatter', async () => {
    settings.formatOnSave = true;
    formatters.add(() => new Promise(() => undefined));
    const done = saver.save(await open('one'));
    await settle();
    clock.advance(3_000);
    expect(await done).toBe(true);
  });
});

describe('saving by itself', () => {
  it('waits until nobody types, and leaves the line that somebody writes in', async () => {
    settings.autosave = 'delay';
    style = { trimTrailingWhitespace: true };
    line = 1;
    const document = await open('');
    type(document, 'one  \ntwo  ');
    clock.advance(999);
    type(document, 'one  \ntwo   ');
    clock.advance(999);
    await settle();
    expect(saved).toEqual([]);
    clock.advance(1);
    await settle();
    expect(saved).toEqual(['one\ntwo   ']);
  });

  it('happens when the editor loses the keyboard, for whoever wants that', async () => {
    settings.autosave = 'focus';
    const document = await open('');
    type(document, 'one');
    clock.advance(60_000);
    await settle();
    expect(saved).toEqual([]);
    saver.left(document);
    await settle();
    expect(saved).toEqual(['one']);
  });

  it.each([
    ['over a change on disk', (document: OpenDocument) => (document.conflict = 'changed')],
    [
      'over unsaved work that was not looked at',
      (document: OpenDocument) => (document.draft = { path: '', text: '', etag: null, time: 0 }),
    ],
    ['for somebody who only watches', () => (drives = false)],
  ])('never writes %s', async (_name, happen) => {
    settings.autosave = 'delay';
    const document = await open('');
    type(document, 'one');
    happen(document);
    clock.advance(60_000);
    await settle();
    expect(saved).toEqual([]);
  });
});
