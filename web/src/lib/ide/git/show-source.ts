import type { Ide } from '../ide.svelte.ts';

/** Brings source control in sight and gives it the keyboard. */
export function showSource(ide: Ide): void {
  ide.layout.showSide('git');
  ide.git.writing = true;
}
