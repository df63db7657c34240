import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { attempt } from './act.ts';

/** What is in the editor is the result of a conflict: it is saved, and staged. */
export async function markResolved(ide: Ide, document: OpenDocument): Promise<void> {
  const repository = ide.git.repositoryOf(document.path);
  if (repository === null || (document.dirty && !(await document.save()))) return;
  await attempt(ide, repository, 'Marking it as resolved', { action: 'stage', paths: [ide.git.within(repository, document.path)] });
}
