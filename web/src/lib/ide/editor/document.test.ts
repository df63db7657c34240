// @vitest-environment node
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import { decodeText, difference, encodeText } from './text-file.ts';
import { OpenDocument } from './document.svelte.ts';
import type { Draft, DraftStore } from './drafts.ts';

/** A disk with etags that count. */
class Disk {
  readonly files = new Map<string, { bytes: Uint8Array; etag: string }>();
  #version = 0;
  failure: StreamError | null = null;

  put(path: string, bytes: Uint8Array): string {
    this.#version += 1;
    this.files.set(path, { bytes, etag: `v${this.#version}` });
    return `v${this.#version}`;
  }
  text(path: string): string | undefined {
    return decodeText(this.#get(path).bytes)?.text;
  }
  read = (path: string) => {
    const { bytes, etag } = this.#get(path);
    const binary = bytes.subarray(0, 8192).includes(0);
    return Promise.resolve({ entry: this.#entry(bytes), etag, bytes: binary ? null : bytes, why: binary ? ('binary' as const) : null });
  };
  stat = async (path: string) => {
    const { bytes, etag } = this.#get(path);
    return { ok: true as const, entry: this.#entry(bytes), etag };
  };
  write = async (path: string, bytes: Uint8Array, etag: string | null) => {
    if (this.failure !== null) throw this.failure;
    const there = this.files.get(path)?.etag ?? null;
    if (etag !== '*' && etag !== there) throw new StreamError('conflict', 'Something else is there');
    return { ok: true as const, entry: this.#entry(bytes), etag: this.put(path, bytes) };
  };
  #entry = (bytes: Uint8Array) => ({ name: 'a', kind: 'file' as const, size: bytes.byteLength, modified: 0 });
  #get(path: string) {
    const file = this.files.get(path);
    if (file === undefined) throw new StreamError('not-found', 'Nothing is there');
    return file;
  }
}

class Drawer implements DraftStore {
  readonly kept = new Map<string, Draft>();
  get = (path: string) => Promise.resolve(this.kept.get(path) ?? null);
  put = async (draft: Draft) => void this.kept.set(draft.path, draft);
  remove = async (path: string) => void this.kept.delete(path);
  paths = () => Promise.resolve([...this.kept.keys()]);
}

let disk: Disk;
let drawer: Drawer;

beforeEach(() => {
  disk = new Disk();
  drawer = new Drawer();
  disk.put('a.ts', encodeText('one\n'));
});

async function open(path = 'a.ts'): Promise<OpenDocument> {
  const document = new OpenDocument(path, disk, drawer);
  await document.load();
  return document;
}

function type(document: OpenDocument, text: string): void {
  document.buffer.replace(text);
  document.edited();
}

describe('saving', () => {
  it('writes what was typed and is clean again', async () => {
    const document = await open();
    type(document, 'two\n');
    expect(document.dirty).toBe(true);
    expect(await document.save()).toBe(true);
    expect(disk.text('a.ts')).toBe('two\n');
    expect(document.dirty).toBe(false);
  });

  it('stays dirty when more was typed meanwhile', async () => {
    const document = await open();
    type(document, 'two\n');
    const saving = document.save();
    type(document, 'two and a half\n');
    await saving;
    expect(disk.text('a.ts')).toBe('two\n');
    expect(document.dirty).toBe(true);
  });

  it('is clean when the text is what is on disk, however one got there', async () => {
    const document = await open();
    type(document, 'two\n');
    type(document, 'one\n');
    expect(document.dirty).toBe(false);
  });

  it('does not overwrite what somebody else wrote; reload takes theirs', async () => {
    const document = await open();
    type(document, 'mine\n');
    disk.put('a.ts', encodeText('theirs\n'));
    expect(await document.save()).toBe(false);
    expect(document.conflict).toBe('changed');
    expect(disk.text('a.ts')).toBe('theirs\n');
    await document.reload();
    expect(document.buffer.read()).toBe('theirs\n');
    expect([document.dirty, document.conflict]).toEqual([false, null]);
  });

  it('overwrites on request', async () => {
    const document = await open();
    type(document, 'mine\n');
    disk.put('a.ts', encodeText('theirs\n'));
    await document.save();
    expect(await document.save(true)).toBe(true);
    expect(disk.text('a.ts')).toBe('mine\n');
    expect(document.conflict).toBeNull();
  });

  it('says why it failed and keeps the work', async () => {
    const document = await open();
    type(document, 'two\n');
    disk.failure = new StreamError('refused', 'The disk is full');
    expect(await document.save()).toBe(false);
    expect(document.error).toBe('Not saved. The disk is full');
    expect(document.dirty).toBe(true);
  });
});

describe('changes on disk', () => {
  it('are followed in silence while nothing is unsaved', async () => {
    const document = await open();
    disk.put('a.ts', encodeText('theirs\n'));
    await document.checkDisk();
    expect(document.buffer.read()).toBe('theirs\n');
    expect([document.dirty, document.conflict]).toEqual([false, null]);
  });

  it('are told when something is unsaved', async () => {
    const document = await open();
    type(document, 'mine\n');
    disk.put('a.ts', encodeText('theirs\n'));
    await document.checkDisk();
    expect(document.conflict).toBe('changed');
    expect(document.buffer.read()).toBe('mine\n');
  });

  it('a deleted file keeps its text here and can be saved again', async () => {
    const document = await open();
    disk.files.delete('a.ts');
    await document.checkDisk();
    expect([document.conflict, document.dirty]).toEqual(['deleted', true]);
    expect(await document.save()).toBe(true);
    expect(disk.text('a.ts')).toBe('one\n');
  });

  it('its own saving is no conflict', async () => {
    const document = await open();
    type(document, 'two\n');
    await document.save();
    await document.checkDisk();
    expect(document.conflict).toBeNull();
  });
});

describe('unsaved work', () => {
  it('is offered after a crash, and restored on request', async () => {
    const before = await open();
    type(before, 'precious\n');
    await before.keep();
    const after = await open();
    expect(after.buffer.read()).toBe('one\n');
    expect(after.draft?.text).toBe('precious\n');
    after.restoreDraft();
    expect(after.buffer.read()).toBe('precious\n');
    expect([after.dirty, after.conflict]).toEqual([true, null]);
  });

  it('that began from an older version comes back as a conflict', async () => {
    const before = await open();
    type(before, 'precious\n');
    await before.keep();
    disk.put('a.ts', encodeText('theirs\n'));
    const after = await open();
    after.restoreDraft();
    expect(after.conflict).toBe('changed');
  });

  it('is forgotten once saved, and when discarded', async () => {
    const document = await open();
    type(document, 'two\n');
    await document.keep();
    await document.save();
    expect(drawer.kept.size).toBe(0);
    type(document, 'three\n');
    await document.keep();
    const after = await open();
    await after.discardDraft();
    expect(drawer.kept.size).toBe(0);
  });

  it('of a file that is gone can be restored and saved', async () => {
    const before = await open();
    type(before, 'precious\n');
    await before.keep();
    disk.files.delete('a.ts');
    const after = await open();
    expect(after.state).toBe('missing');
    after.restoreDraft();
    expect(after.state).toBe('ready');
    await after.save();
    expect(disk.text('a.ts')).toBe('precious\n');
  });

  it('moves with a renamed file', async () => {
    const document = await open();
    type(document, 'two\n');
    await document.keep();
    await document.movedTo('b.ts');
    expect([...drawer.kept.keys()]).toEqual(['b.ts']);
  });
});

describe('files that are not edited', () => {
  it.each([
    ['binary', new Uint8Array([1, 0, 2])],
    ['not-text', new Uint8Array([0xff, 0xfe, 0x41])],
  ])('%s', async (state, content) => {
    disk.put('x', content);
    expect((await open('x')).state).toBe(state);
  });

  it('missing', async () => {
    expect((await open('nothing')).state).toBe('missing');
  });
});

describe('bytes and text', () => {
  it.each(['', 'a\nb\n', 'a\r\nb\r\n', 'a\r\nb\nc\r', '\ufeffwith mark', 'äöü 漢字 🏰\n'])('%j comes back as it was', (text) => {
    const bytes = encodeText(text);
    expect(encodeText(decodeText(bytes)?.text ?? 'lost')).toEqual(bytes);
  });

  it.each([
    ['a\r\nb\r\n', '\r\n'],
    ['a\r\nb\n', '\n'],
    ['a\nb', '\n'],
    ['a\r\nb\rc\r\n', '\n'],
    ['\n\r\n', '\n'],
  ])('%j: new lines end with %j', (text, lineBreak) => {
    expect(decodeText(encodeText(text))?.lineBreak).toBe(lineBreak);
  });

  it.each([
    ['abcdef', 'abXdef'],
    ['aaa', 'aa'],
    ['', 'new'],
    ['gone', ''],
    ['abab', 'ababab'],
  ])('the difference from %j to %j leads there', (before, after) => {
    const change = difference(before, after);
    expect(change && before.slice(0, change.from) + change.insert + before.slice(change.to)).toBe(after);
  });
});
