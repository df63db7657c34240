import type { Ide } from '../ide.svelte.ts';
import type { IdeAction } from '../keys.ts';
import { nextProblem } from '../problems/next-problem.ts';
import type { Features } from './features.svelte.ts';

/** What is done with language servers. */
export function languageActions(ide: Ide) {
  const ask = (act: (features: Features) => unknown) => async (): Promise<void> => void (await act(await ide.loadFeatures()));
  const go = (step: 1 | -1) => () => {
    const found = nextProblem(ide.problems, ide.documents.active?.path ?? null, ide.cursor, step);
    if (found === null) return;
    const { path, problem } = found;
    const at = problem.column - 1;
    ide.openFile(path, { line: problem.line, from: at, to: at });
  };
  return {
    'go-to-definition': ask((features) => features.goTo('definition')),
    'go-to-type-definition': ask((features) => features.goTo('typeDefinition')),
    'go-to-implementation': ask((features) => features.goTo('implementation')),
    'find-references': ask((features) => features.references()),
    'rename-symbol': ask((features) => features.startRename()),
    'quick-fix': ask((features) => features.actions()),
    'organise-imports': ask((features) => features.organiseImports()),
    'format-file': ask((features) => features.format()),
    'show-hover': ask((features) => features.hover()),
    'file-symbols': () => ide.quickOpen.show('@'),
    'all-symbols': () => ide.quickOpen.show('#'),
    'show-problems': () => ide.layout.showBottom('problems'),
    'next-problem': go(1),
    'previous-problem': go(-1),
    'restart-language-server': () => {
      const known = ide.languageServers.of(ide.documents.active);
      if (known?.kind === 'there') known.running.restart();
    },
  } satisfies Partial<Record<IdeAction, () => unknown>>;
}
