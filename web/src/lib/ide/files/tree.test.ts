import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamError } from '../connection/stream-error.ts';
import { freeName, isWithin, moved, nameHint, nameProblem, outermost, parentOf } from './paths.ts';
import { stepTo } from './tree-keys.ts';
import { TreeSelection } from './tree-selection.svelte.ts';
import { FileTree } from './tree.svelte.ts';

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

describe('a large folder', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => file(`f${String(index).padStart(5, '0')}`));
  let asked: (readonly string[] | undefined)[];
  let shown: number[];

  beforeEach(async () => {
    [asked, shown] = [[], []];
    disk[''] = names(3000);
    tree = new FileTree({
      list: (path, only, arrived) => {
        asked.push(only);
        const all = disk[path] ?? [];
        if (only !== undefined) return Promise.resolve({ entries: all.filter(({ name }) => only.includes(name)), truncated: false });
        for (const end of [256, 512, 768, 1024]) {
          arrived?.(all.slice(0, end));
          shown.push(tree.rows.length);
        }
        return Promise.resolve({ entries: all, truncated: false });
      },
    });
    await tree.load();
  });

  it('shows what came, each time that it is twice as much, until all of it is there', () => {
    expect([shown, tree.rows.length]).toEqual([[256, 512, 512, 1024], 3000]);
  });

  it('is asked for the names that changed, and never as a whole for a few', async () => {
    disk[''] = [...names(2999), file('a-new-one')];
    await tree.changed(['f02999', 'a-new-one']);
    expect(asked).toEqual([undefined, ['f02999', 'a-new-one']]);
    expect([tree.rows.length, tree.rows[0]?.path, tree.rows.at(-1)?.path]).toEqual([3000, 'a-new-one', 'f02998']);
    await tree.changed(Array.from({ length: 200 }, (_, index) => `x${index}`));
    expect(asked.at(-1)).toBeUndefined();
  });
});

describe('what is in sight', () => {
  beforeEach(async () => {
    await tree.load();
    await tree.expand('src');
    await tree.expand('src/lib');
    tree.collapseAll();
  });

  it('is what the filter leaves, with the folders around it', () => {
    tree.filter = 'A.T';
    expect(paths()).toEqual(['src', 'src/lib', 'src/lib/a.ts']);
    tree.filter = '';
    expect(paths()).toEqual(['.git', 'src', 'file2.ts', 'file10.ts']);
  });

  it('leaves out what is hidden', () => {
    tree.hides = (path) => path === 'src';
    expect(paths()).toEqual(['.git', 'file2.ts', 'file10.ts']);
  });
});

describe('what is chosen together', () => {
  it('is a range from where it began, or single lines; nothing twice', async () => {
    await tree.load();
    await tree.expand('src');
    const selection = new TreeSelection(tree);
    selection.only('src');
    selection.to('file2.ts');
    expect([...selection.paths]).toEqual(['src', 'src/lib', 'src/main.ts', 'file2.ts']);
    expect(selection.with('src/main.ts')).toEqual(['src', 'file2.ts']);
    expect(selection.with('file10.ts')).toEqual(['file10.ts']);
    selection.to('.git');
    expect([...selection.paths]).toEqual(['.git', 'src']);
    selection.toggle('src');
    selection.toggle('file10.ts');
    expect(selection.with('.git')).toEqual(['.git', 'file10.ts']);
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

describe('paths', () => {
  it('know their place', () => {
    expect([parentOf('a/b/c'), parentOf('a')]).toEqual(['a/b', '']);
    expect([isWithin('ab', 'a'), isWithin('a/b', 'a'), isWithin('a', 'a'), isWithin('x', '')]).toEqual([false, true, true, true]);
    expect([moved('a/b', 'a', 'z'), moved('ab', 'a', 'z')]).toEqual(['z/b', 'ab']);
  });

  it('of copies stand beside the others; of several, none lies in another', () => {
    expect([freeName('a.ts', new Set(['b'])), freeName('a.ts', new Set(['a.ts', 'a 2.ts'])), freeName('.env', new Set(['.env']))]).toEqual([
      ...['a.ts', 'a 3.ts', '.env 2'],
    ]);
    expect(outermost(['a/b', 'a', 'ab', 'a'])).toEqual(['a', 'ab']);
  });

  it('that differ by case alone are said to be a trouble elsewhere', () => {
    expect([nameHint('Readme.md', ['readme.md']), nameHint('readme.md', ['readme.md'])]).toEqual([
      expect.stringContaining('“readme.md”'),
      null,
    ]);
  });

  it.each(['', ' ', '.', '..', 'a//b', '../x', 'a/../b', 'taken', 'x'.repeat(256), 'nul\0'])('%j is no name', (name) => {
    expect(nameProblem(name, ['taken'])).not.toBeNull();
  });

  it.each(['a.ts', 'new/folder/a.ts', '.env', 'ä b'])('%j is a name', (name) => {
    expect(nameProblem(name, ['taken'])).toBeNull();
  });
});
