import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Replaces the file whole or not at all, so that a kill in the middle leaves the old one. Mode 0600. */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}

/** Room that is kept for it on the disk. */
const RESERVE_BYTES = 256 * 1024;

/** As `writeAtomically`, with some room beside the file that is kept for this: what must be told is told from a full disk, too. */
export function writeFromReserve(path: string, text: string): void {
  const reserve = `${path}.reserve`;
  const keep = () => {
    try {
      if (!existsSync(reserve)) writeFileSync(reserve, new Uint8Array(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      // Still full: what there is of it is no reserve.
      rmSync(reserve, { force: true });
    }
  };
  try {
    writeAtomically(path, text);
  } catch {
    rmSync(reserve, { force: true });
    writeAtomically(path, text);
  }
  keep();
}
