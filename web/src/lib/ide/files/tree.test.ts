// @vitest-environment node
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import { isWithin, moved, nameProblem, parentOf } from './paths.ts';
import { stepTo } from './tree-keys.ts';
import { FileTree } from './tree.svelte.ts';
import { Watches } from './watches.ts';

const file = (name: string): FileEntry => ({ name, kind: 'file', size: 1, modified: 0 });
const folder = (name: string): FileEntry => ({ name, kind: 'directory', size: 0, modified: 0 });

let disk: Record<string, FileEntry[]>;
let listed: string[];
let tree: FileTree;

beforeEach(() => {
  disk = {
    '': [file('file10.ts'), file('file2.ts'), folder('src'), folder('.git')],
    src: [file('main.ts'), folder('lib')],
    'src/lib': [file('a.ts')],
    '.git': [],
  };
  listed = [];
  tree = new FileTree({
    list: (path) => {
      listed.push(path);
      const entries = disk[path];
      return entries === undefined
        ? Promise.reject(new StreamError('not-found', 'Nothing is there'))
        : Promise.resolve({ ok: true, entries, truncated: false });
    },
  });
});

const paths = () => tree.rows.map(({ path }) => path);
const row = (path: string) => {
  const found = tree.rows.find((one) => one.path === path);
  if (found === undefined) throw new Error(`${path} is not in sight`);
  return found;
};

describe('the tree', () => {
  it('shows folders first and numbers in their order', async () => {
    await tree.load();
    expect(paths()).toEqual(['.git', 'src', 'file2.ts', 'file10.ts']);
  });

  it('reads a folder when it is opened, and not before', async () => {
    await tree.load();
    expect(listed).toEqual(['']);
    await tree.expand('src');
    expect(listed).toEqual(['', 'src']);
    expect(row('src/lib')).toMatchObject({ level: 2, position: 1, siblings: 2, expanded: false });
  });

  it('reads the folders that were open at the last visit', async () => {
    const again = new FileTree({ list: (path) => Promise.resolve({ ok: true, entries: disk[path] ?? [], truncated: false }) }, ['src']);
    await again.load();
    expect(again.rows.map(({ path }) => path)).toContain('src/main.ts');
  });

  it('reads again what changed, where it is known', async () => {
    await tree.load();
    await tree.expand('src');
    disk['src']?.push(file('new.ts'));
    listed = [];
    await tree.changed(['src/new.ts', 'src/lib/unseen.ts']);
    expect(listed).toEqual(['src']);
    expect(paths()).toContain('src/new.ts');
  });

  it('reads everything known again when too much happened to name it', async () => {
    await tree.load();
    await tree.expand('src');
    listed = [];
    await tree.changed(null);
    expect(listed.sort()).toEqual(['', 'src']);
  });

  it('many changes at once read a folder twice, not many times', async () => {
    await tree.load();
    listed = [];
    await Promise.all(Array.from({ length: 50 }, (_, index) => tree.changed([`file${index}`])));
    expect(listed).toEqual(['', '']);
  });

  it('forgets a folder that went, with all below it', async () => {
    await tree.load();
    await tree.expand('src');
    await tree.expand('src/lib');
    disk[''] = [file('file2.ts')];
    await tree.changed(['src']);
    expect([...tree.expanded]).toEqual([]);
    expect(paths()).toEqual(['file2.ts']);
  });

  it('keeps folders open when they are renamed', async () => {
    await tree.load();
    await tree.expand('src');
    await tree.expand('src/lib');
    tree.renamed('src', 'source');
    expect([...tree.expanded].sort()).toEqual(['source', 'source/lib']);
  });

  it('says what went wrong with a folder, and keeps what it knew', async () => {
    await tree.load();
    await tree.expand('.git');
    expect(row('.git').note).toBe('Empty');
    delete disk['.git'];
    await tree.read('.git');
    expect(row('.git').note).toBe('Nothing is there');
  });

  it('brings a file in sight', async () => {
    await tree.reveal('src/lib/a.ts');
    expect(paths()).toContain('src/lib/a.ts');
    expect(tree.current).toBe('src/lib/a.ts');
  });
});

describe('keys in the tree', () => {
  beforeEach(async () => {
    await tree.load();
    await tree.expand('src');
  });

  it.each([
    ['src', 'ArrowDown', { kind: 'go', path: 'src/lib' }],
    ['src', 'ArrowUp', { kind: 'go', path: '.git' }],
    ['src', 'ArrowRight', { kind: 'go', path: 'src/lib' }],
    ['src', 'ArrowLeft', { kind: 'toggle' }],
    ['src/lib', 'ArrowRight', { kind: 'toggle' }],
    ['src/main.ts', 'ArrowLeft', { kind: 'go', path: 'src' }],
    ['src/main.ts', 'ArrowRight', null],
    ['src/main.ts', 'Enter', { kind: 'open' }],
    ['src/main.ts', 'F2', { kind: 'rename' }],
    ['src/main.ts', 'Delete', { kind: 'remove' }],
    ['src', 'Home', { kind: 'go', path: '.git' }],
    ['src', 'End', { kind: 'go', path: 'file10.ts' }],
    ['file2.ts', 'f', { kind: 'go', path: 'file10.ts' }],
    ['file10.ts', 'f', { kind: 'go', path: 'file2.ts' }],
    ['file10.ts', 'ArrowDown', null],
    ['src', 'Tab', null],
  ])('on %s, %s', (path, key, step) => {
    expect(stepTo(tree.rows, row(path), key)).toEqual(step);
  });
});

describe('watches', () => {
  const started: string[] = [];
  const stopped: string[] = [];
  let fail: (() => void)[] = [];
  const watches = () =>
    new Watches(
      {
        watch: (path, _changed, ended) => {
          started.push(path);
          fail.push(() => ended(new StreamError('disconnected', '')));
          return () => stopped.push(path);
        },
      },
      () => undefined,
    );
  beforeEach(() => {
    started.length = stopped.length = 0;
    fail = [];
  });

  it('follow what is wanted, each folder once', () => {
    const following = watches();
    following.want(['', 'src']);
    expect(started).toEqual([]);
    following.connected();
    following.want(['', 'src', 'src/lib']);
    following.want(['', 'src/lib']);
    expect(started).toEqual(['', 'src', 'src/lib']);
    expect(stopped).toEqual(['src']);
  });

  it('begin anew on a new connection', () => {
    const following = watches();
    following.want(['']);
    following.connected();
    for (const cut of fail) cut();
    following.want(['', 'src']);
    expect(started).toEqual(['']);
    following.connected();
    expect(started).toEqual(['', '', 'src']);
  });
});

describe('paths', () => {
  it('know their place', () => {
    expect([parentOf('a/b/c'), parentOf('a')]).toEqual(['a/b', '']);
    expect([isWithin('ab', 'a'), isWithin('a/b', 'a'), isWithin('a', 'a'), isWithin('x', '')]).toEqual([false, true, true, true]);
    expect([moved('a/b', 'a', 'z'), moved('ab', 'a', 'z')]).toEqual(['z/b', 'ab']);
  });

  it.each(['', ' ', '.', '..', 'a//b', '../x', 'a/../b', 'taken', 'x'.repeat(256), 'nul\0'])('%j is no name', (name) => {
    expect(nameProblem(name, ['taken'])).not.toBeNull();
  });

  it.each(['a.ts', 'new/folder/a.ts', '.env', 'ä b'])('%j is a name', (name) => {
    expect(nameProblem(name, ['taken'])).toBeNull();
  });
});
