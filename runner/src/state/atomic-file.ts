import { renameSync, writeFileSync } from 'node:fs';

/** Replaces the file whole or not at all, so that a kill in the middle leaves the old one. Mode 0600. */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}
