import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { attempt } from './act.ts';
import { openConflict } from './open-conflict.ts';
import { showSource } from './show-source.ts';

/** What is in the editor is the result of a conflict: it is saved, and staged. Then the next conflict comes, or what ends the merge. */
export async function markResolved(ide: Ide, document: OpenDocument): Promise<void> {
  const repository = ide.git.repositoryOf(document.path);
  if (repository === null || (document.dirty && !(await document.save()))) return;
  const paths = [ide.git.within(repository, document.path)];
  if ((await attempt(ide, repository, 'Marking it as resolved', { action: 'stage', paths })) === null) return;
  if (!openConflict(ide, repository)) showSource(ide);
}
