import Eye from '@lucide/svelte/icons/eye';
import type { OpenDocument } from '../document.svelte.ts';
import type { View } from '../tab.svelte.ts';
import type { Workbench } from '../workbench.svelte.ts';
import { nameOf } from '../../files/paths.ts';
import { imageType } from './kinds.ts';

/** How a file is shown besides its text; null: it has no other looks. */
function previewOf(path: string): View<{ path: string }> | null {
  const common = {
    id: `preview:${path}`,
    kind: 'preview',
    title: `Preview of ${nameOf(path)}`,
    hint: path,
    icon: Eye,
    props: { path },
    memo: path,
  };
  if (/\.(md|markdown|mdx)$/i.test(path)) return { ...common, load: () => import('./MarkdownPreview.svelte') };
  return imageType(path) === null ? null : { ...common, load: () => import('./ImagePreview.svelte') };
}

export const hasPreview = (document: OpenDocument | null): boolean => document !== null && previewOf(document.path) !== null;

/** Shows the preview of the file in sight beside it; the keyboard stays where it is. */
export function showPreview(workbench: Workbench): void {
  const { document, group } = workbench;
  const view = document === null ? null : previewOf(document.path);
  if (view === null) return;
  workbench.showView(view, { group: workbench.beside() });
  workbench.activate(group);
  group.editor?.focus();
}

/** Previews come back after a reload. */
export function revivePreviews({ revivals }: Workbench): void {
  revivals['preview'] = (memo) => (typeof memo === 'string' ? previewOf(memo) : null);
}
