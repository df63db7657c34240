import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes folders writable that their owner had closed. Links are not followed; nothing in the tree runs any more. */
async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await unlock(join(folder, entry.name));
}

/** Deletes a folder with all that is in it, also what a user closed against deletion. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    await unlock(folder);
    await rm(folder, { recursive: true, force: true });
  }
}
