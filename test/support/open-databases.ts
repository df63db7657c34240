import { readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Databases of that kind which workerd holds open: those of the objects that are in its memory. */
export function openDatabases(pid: number, kind: string): number {
  const files = readdirSync(`/proc/${pid}/fd`).map((descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`));
  return files.filter((file) => file.endsWith('.sqlite') && basename(dirname(file)) === kind && basename(file) !== 'metadata.sqlite')
    .length;
}

/** Descriptors come and go while we look. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
