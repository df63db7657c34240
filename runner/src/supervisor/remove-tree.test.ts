import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mintFolder } from '../../test/support/mint.ts';
import { removeTree } from './remove-tree.ts';

it('deletes folders that were closed, and nothing behind a link', async () => {
  const root = mintFolder();
  mkdirSync(join(root, 'kept'));
  writeFileSync(join(root, 'kept', 'file'), 'x');
  mkdirSync(join(root, 'tree', 'closed', 'deep'), { recursive: true });
  symlinkSync(join(root, 'kept'), join(root, 'tree', 'closed', 'link'));
  for (const name of ['tree/closed/deep', 'tree/closed']) chmodSync(join(root, name), 0);
  await removeTree(join(root, 'tree'));
  expect(existsSync(join(root, 'tree'))).toBe(false);
  expect(existsSync(join(root, 'kept', 'file'))).toBe(true);
  await removeTree(join(root, 'never-there'));
});
