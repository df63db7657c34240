import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { expect, test } from 'vitest';
import type { Ide } from '../ide.svelte.ts';
import type { FileWork } from './file-work.ts';
import { TreeActions } from './tree-actions.svelte.ts';
import { FileTree } from './tree.svelte.ts';

/** What comes of a name that was typed in the tree. */

const file = (name: string): FileEntry => ({ name, kind: 'file', size: 0, modified: 0 });

/** A tree of two files, one of which is being renamed. @param meanwhile what somebody does while the folder is read again */
async function renameOne(meanwhile: (tree: FileTree) => void): Promise<FileTree> {
  let names = ['a.ts', 'z.ts'];
  let renamed = false;
  const tree: FileTree = new FileTree({
    list: () => {
      if (renamed) meanwhile(tree);
      return Promise.resolve({ entries: names.map(file), truncated: false });
    },
  });
  await tree.load();
  const work = {
    renamed: (from: string, to: string) => {
      names = names.map((name) => (name === from ? to : name));
      tree.renamed(from, to);
      renamed = true;
      return Promise.resolve();
    },
  };
  const ide = { tree, documents: { changed: () => Promise.resolve() } };
  const actions = new TreeActions(ide as unknown as Ide, work as unknown as FileWork);
  const row = tree.rows.find(({ path }) => path === 'a.ts');
  if (row === undefined) throw new Error('it is there');
  tree.current = row.path;
  actions.rename(row);
  expect(await actions.named('m.ts')).toBe(null);
  expect(tree.rows.map(({ path }) => path)).toEqual(['m.ts', 'z.ts']);
  return tree;
}

test('the line that was renamed is the current one', async () => {
  expect((await renameOne(() => undefined)).current).toBe('m.ts');
});

test('whoever goes to another line meanwhile stays there', async () => {
  const tree = await renameOne((tree) => (tree.current = 'z.ts'));
  expect(tree.current).toBe('z.ts');
});
