import type { Ide } from '../ide.svelte.ts';
import type { Repository } from './repository.svelte.ts';

/** Opens the first conflict that is left in the editor, where it is resolved. @returns false: there is none */
export function openConflict(ide: Ide, repository: Repository): boolean {
  const [first] = repository.rows.conflicts;
  if (first === undefined) return false;
  ide.openFile(repository.full(first.path), { line: 1, from: 0, to: 0 });
  return true;
}
