import { overlays } from '#lib/frame/overlays.svelte.ts';
import { showPreview } from './editor/preview/show-preview.ts';
import { showSource } from './git/show-source.ts';
import type { Ide } from './ide.svelte.ts';
import type { IdeAction } from './keys.ts';
import { toggleFullScreen } from './layout/full-screen.ts';
import { languageActions } from './lsp/language-actions.ts';

/** What each key of the IDE does; the palette does the same. */
export function ideActions(ide: Ide): Record<IdeAction, () => unknown> {
  const { editing, layout, terminals, workbench } = ide;
  const inTerminals = (change: () => unknown) => () => {
    layout.showBottom('terminals');
    change();
  };
  return {
    save: () => editing.save(),
    'save-all': () => editing.saveAll(),
    'close-tab': () => editing.closeTab(),
    'next-tab': () => workbench.group.cycle(1),
    'previous-tab': () => workbench.group.cycle(-1),
    'keep-tab': () => workbench.keep(),
    'split-right': () => workbench.split('right'),
    'split-below': () => workbench.split('below'),
    'focus-group-1': () => focusGroup(ide, 0),
    'focus-group-2': () => focusGroup(ide, 1),
    'focus-group-3': () => focusGroup(ide, 2),
    'move-tab-on': () => workbench.moveOn(1),
    'move-tab-back': () => workbench.moveOn(-1),
    ...languageActions(ide),
    'show-preview': () => showPreview(workbench),
    'word-wrap': () => ide.settings.choose({ wordWrap: !ide.settings.now.wordWrap }),
    'quick-open': () => ide.quickOpen.show(),
    'search-files': () => ide.searchFor(ide.editor?.selected ?? ''),
    'source-control': () => showSource(ide),
    'pull-and-push': async () => {
      const { current } = ide.git;
      if (current === null || ide.people.refusal !== null) return showSource(ide);
      await (await import('./git/sync.ts')).sync(ide, current);
    },
    branches: () => (ide.git.dialog = 'branches'),
    'toggle-files': () => layout.toggle('files'),
    'toggle-terminals': () => layout.toggle('terminals'),
    'focus-editor': () => {
      layout.show('editor');
      ide.editor?.focus();
    },
    'new-terminal': inTerminals(() => terminals.create()),
    'split-terminal': inTerminals(() => terminals.split()),
    'next-terminal': inTerminals(() => terminals.cycle(1)),
    'find-in-terminal': inTerminals(() => (terminals.searching = true)),
    'list-terminals': inTerminals(() => (ide.terminalTools.list = 'terminals')),
    'maximise-terminals': () => layout.maximise(),
    'run-task': () => ide.tasks.show(),
    'run-last-task': () => ide.tasks.again(),
    palette: () => overlays.show('palette'),
    settings: () => overlays.show('settings'),
    shortcuts: () => overlays.show('shortcuts'),
    'full-screen': () => toggleFullScreen(),
    tour: () => {
      ide.tour.resume();
      layout.show('files');
    },
  };
}

function focusGroup(ide: Ide, index: number): void {
  const group = ide.workbench.groups[index];
  if (group === undefined) return;
  ide.layout.show('editor');
  ide.workbench.activate(group);
  group.editor?.focus();
}
