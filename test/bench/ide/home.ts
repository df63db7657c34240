import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Options } from '../measure.ts';
import type { Product } from '../product.ts';
import type { Rows } from '../turns.ts';

/** The home of a workspace, from behind. */
export interface Home {
  folder: string;
  /** as a program of the workspace would have made it */
  write(path: string, content: string): void;
}

export interface Setting {
  product: Product;
  home: Home;
  rows: Rows;
  options: Options;
}

export function homeOf({ stateDir, workspaceId }: Product): Home {
  const folder = join(stateDir, 'runner/workspaces', workspaceId, 'home');
  const { uid, gid } = statSync(folder);
  const own = (path: string) => {
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  };
  return {
    folder,
    write: (path, content) => {
      const place = join(folder, path);
      const parent = dirname(place);
      if (mkdirSync(parent, { recursive: true }) !== undefined) own(parent);
      writeFileSync(place, content);
      own(place);
    },
  };
}
