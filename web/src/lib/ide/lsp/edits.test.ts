import { describe, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import { EditApplier } from './edit-applier.ts';
import { edited } from './positions.ts';
import { workspaceEdit, type TextEdit } from './schemas.ts';
import { pathOf, uriOf } from './uris.ts';

const edit = (line: number, from: number, to: number, newText: string): TextEdit => ({
  range: { start: { line, character: from }, end: { line, character: to } },
  newText,
});
const HOME = '/home/dev';

describe('URIs of files', () => {
  it('lead to paths of the workspace and back, and to nothing outside', () => {
    for (const path of ['a.ts', 'shop/a b#ä%.ts', 'shop/[id]/@x.ts']) expect(pathOf(HOME, uriOf(HOME, path))).toBe(path);
    for (const uri of [
      'file:///etc/passwd',
      'file:///home/dev',
      'file:///home/developer/a',
      'file:///home/dev/%2e%2e/x',
      'https://x/home/dev/a',
      'file://host/home/dev/a',
      'untitled:1',
      '',
    ])
      expect(pathOf(HOME, uri)).toBeNull();
  });
});

describe('edits of a text', () => {
  it('are made at their places, whatever the line breaks', () => {
    expect(edited('one two\nthree', [edit(1, 0, 5, '3'), edit(0, 0, 3, '1'), edit(0, 3, 3, '!')])).toBe('1! two\n3');
    expect(edited('a\r\nb\r\n', [edit(1, 0, 1, 'x\ny'), edit(0, 99, 99, ';')])).toBe('a;\r\nx\r\ny\r\n');
    expect(edited('a', [edit(9, 0, 0, '!')])).toBe('a!');
  });

  it('that overlap are refused', () => {
    expect(() => edited('abcdef', [edit(0, 0, 4, 'x'), edit(0, 2, 5, 'y')])).toThrow('overlap');
  });
});

/** Files on disk and in editors, in memory. */
function workshop(disk: Record<string, string>, open: Record<string, string> = {}) {
  const files = new Map(Object.entries(disk).map(([path, text]) => [path, { text, version: 1 }]));
  const refused = new Set<string>();
  const documents = new Map(
    Object.entries(open).map(([path, first]) => {
      let text = first;
      const buffer = { read: () => text, replace: (next: string) => (text = next), holds: (other: string) => other === text };
      return [path, { path, state: 'ready', buffer } as unknown as OpenDocument];
    }),
  );
  const applier = new EditApplier({
    root: () => HOME,
    find: (path) => documents.get(path),
    change: (document, _edits, after) => document.buffer.replace(after),
    files: {
      read: (path) => {
        const file = files.get(path);
        if (file === undefined) return Promise.reject(new StreamError('not-found', 'There is no such file'));
        const bytes = new TextEncoder().encode(file.text);
        return Promise.resolve({
          bytes,
          etag: String(file.version),
          why: null,
          entry: { name: path, kind: 'file', size: bytes.byteLength, modified: 0 },
        });
      },
      write: (path, content, etag) => {
        const file = files.get(path);
        if (refused.has(path) || file === undefined || String(file.version) !== etag)
          return Promise.reject(new StreamError('conflict', 'Somebody else changed it'));
        const text = new TextDecoder().decode(content as Uint8Array);
        files.set(path, { text, version: file.version + 1 });
        return Promise.resolve({
          ok: true as const,
          etag: String(file.version + 1),
          entry: { name: path, kind: 'file' as const, size: text.length, modified: 0 },
        });
      },
    },
  });
  const change = (uris: Record<string, TextEdit[]>) => applier.plan(workspaceEdit.parse({ changes: uris }));
  return {
    applier,
    change,
    refused,
    text: (path: string) => documents.get(path)?.buffer.read() ?? files.get(path)?.text,
    touch: (path: string, text: string) => files.set(path, { text, version: 99 }),
  };
}
const uri = (path: string) => uriOf(HOME, path);

describe('a change across files', () => {
  it('is made in editors and on disk, and taken back', async () => {
    const { applier, change, text } = workshop({ 'a.ts': 'old a', 'b.ts': 'old b' }, { 'b.ts': 'old unsaved' });
    const applied = await applier.apply(await change({ [uri('a.ts')]: [edit(0, 0, 3, 'new')], [uri('b.ts')]: [edit(0, 0, 3, 'new')] }));
    expect([text('a.ts'), text('b.ts'), applied.files, applied.unsaved]).toEqual(['new a', 'new unsaved', 2, 1]);
    expect(await applied.undo()).toEqual([]);
    expect([text('a.ts'), text('b.ts')]).toEqual(['old a', 'old unsaved']);
  });

  it('is made in none when one can’t be written', async () => {
    const { applier, change, text, refused } = workshop({ 'a.ts': 'old', 'b.ts': 'old' }, { 'c.ts': 'old' });
    const plan = await change({
      [uri('a.ts')]: [edit(0, 0, 3, 'new')],
      [uri('b.ts')]: [edit(0, 0, 3, 'new')],
      [uri('c.ts')]: [edit(0, 0, 3, 'new')],
    });
    refused.add('b.ts');
    await expect(applier.apply(plan)).rejects.toThrow('Nothing was changed');
    expect([text('a.ts'), text('b.ts'), text('c.ts')]).toEqual(['old', 'old', 'old']);
  });

  it('leaves what somebody changed since, and says so', async () => {
    const { applier, change, text, touch } = workshop({ 'a.ts': 'old' });
    const applied = await applier.apply(await change({ [uri('a.ts')]: [edit(0, 0, 3, 'new')] }));
    touch('a.ts', 'theirs');
    expect(await applied.undo()).toEqual([{ path: 'a.ts', why: 'Somebody else changed it' }]);
    expect(text('a.ts')).toBe('theirs');
  });

  it('outside the workspace, or that makes, moves or deletes files, is refused whole', async () => {
    const { change, text } = workshop({ 'a.ts': 'old' });
    await expect(change({ [uri('a.ts')]: [edit(0, 0, 3, 'new')], 'file:///etc/passwd': [edit(0, 0, 0, 'x')] })).rejects.toThrow('outside');
    expect(workspaceEdit.safeParse({ documentChanges: [{ kind: 'delete', uri: uri('a.ts') }] }).success).toBe(false);
    expect(text('a.ts')).toBe('old');
  });
});
