import type { MenuEntry } from '#lib/components/Menu.svelte';
import { toast } from '#lib/toast.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { parentOf } from './paths.ts';
import { folderOf, type TreeActions } from './tree-actions.svelte.ts';
import type { TreeSelection } from './tree-selection.svelte.ts';
import type { TreeRow } from './tree.svelte.ts';

export interface MenuPorts {
  ide: Ide;
  actions: TreeActions;
  selection: TreeSelection;
  /** nothing may be changed from here */
  locked: boolean;
  upload: (folder: string, folders: boolean) => void;
  download: (row: TreeRow | null) => void;
}

/** Copies paths, if the policy lets text out. */
function copyPath(ide: Ide, paths: readonly string[], what: string): void {
  const text = paths.join('\n');
  if (ide.clipboard.copy(text)) toast.success(`${what} is on the clipboard`);
}

/** What can be done with a line of the tree, or with all of them. @param row null: the tree itself */
export function treeMenu({ ide, actions, selection, locked, upload, download }: MenuPorts, row: TreeRow | null): MenuEntry[] {
  const { fileWork } = ide;
  const paths = row === null ? [] : selection.with(row.path);
  const one = paths.length === 1;
  const isFile = row !== null && row.expanded === null;
  const folder = folderOf(row);
  const root = ide.hello?.root ?? '';
  const open: MenuEntry[] =
    isFile && one
      ? [
          { label: 'Open', note: 'Enter', run: () => ide.openFile(row.path) },
          { label: 'Open to the side', note: 'Ctrl Enter', run: () => ide.openFile(row.path, null, { group: ide.workbench.beside() }) },
        ]
      : [];
  const make: MenuEntry[] = [
    { label: 'New file', disabled: locked, run: () => actions.create('file', row), section: '' },
    { label: 'New folder', disabled: locked, run: () => actions.create('folder', row) },
  ];
  const move: MenuEntry[] =
    row === null
      ? []
      : [
          { label: 'Cut', note: 'Ctrl X', disabled: locked, run: () => fileWork.clipboard.take('cut', paths), section: '' },
          { label: 'Copy', note: 'Ctrl C', disabled: locked, run: () => fileWork.clipboard.take('copy', paths) },
        ];
  const paste: MenuEntry = {
    ...{ label: 'Paste', note: 'Ctrl V', disabled: locked || fileWork.clipboard.taken === null, run: () => fileWork.paste(folder) },
    ...(row === null ? { section: '' } : {}),
  };
  const more: MenuEntry[] = row === null || !one ? [] : [{ label: 'Duplicate', disabled: locked, run: () => fileWork.duplicate(row.path) }];
  const transfer: MenuEntry[] = [
    ...(ide.policy?.upload === 0
      ? []
      : [
          { label: 'Upload files…', disabled: locked, run: () => upload(folder, false), section: '' },
          { label: 'Upload a folder…', disabled: locked, run: () => upload(folder, true) },
        ]),
    ...(ide.policy?.download === 0
      ? []
      : [
          {
            label: isFile && one ? 'Download' : 'Download as an archive',
            run: () => download(row),
            ...(ide.policy?.upload === 0 ? { section: '' } : {}),
          },
        ]),
  ];
  const names: MenuEntry[] =
    row === null
      ? []
      : [
          {
            label: 'Copy path',
            run: () =>
              copyPath(
                ide,
                paths.map((path) => `${root}/${path}`),
                'The path',
              ),
            section: '',
          },
          { label: 'Copy relative path', run: () => copyPath(ide, paths, 'The path') },
        ];
  const change: MenuEntry[] =
    row === null
      ? []
      : [
          { label: 'Rename', note: 'F2', disabled: locked || !one, run: () => actions.rename(row), section: '' },
          { label: 'Move to the trash', note: 'Del', danger: true, disabled: locked, run: () => fileWork.throwAway(paths) },
        ];
  return [...open, ...make, ...move, paste, ...more, ...change, ...transfer, ...names];
}

/** Where keys paste: into the folder of the line, or beside the file. */
export const pasteFolder = (row: TreeRow | null): string => (row === null ? '' : row.expanded === true ? row.path : parentOf(row.path));
