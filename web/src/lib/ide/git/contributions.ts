import type { Extension } from '@codemirror/state';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';

/** Adds what git knows to every editor of a file: bars beside what changed, who wrote a line, conflicts. @returns takes it away */
export function contributeGit(ide: Ide): () => void {
  return ide.editorContributions.add(async (document: OpenDocument): Promise<Extension> => {
    const [{ changeBars }, { blameLines }, { conflictTools }] = await Promise.all([
      import('./change-bars.ts'),
      import('./blame-lines.ts'),
      import('./conflict-tools.ts'),
    ]);
    return [changeBars(ide, document), blameLines(ide, document), conflictTools(ide, document)];
  });
}
