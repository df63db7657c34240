import GitCompare from '@lucide/svelte/icons/git-compare';
import type { Ide } from '../../ide.svelte.ts';
import { wordsOf } from '../../connection/stream-error.ts';
import type { OpenDocument } from '../document.svelte.ts';
import { decodeText } from '../text-file.ts';
import type { Opening } from '../workbench.svelte.ts';
import type { CompareProps } from './Compare.svelte';

/** A comparison in a tab of its own. @param id the same id shows in the same tab. */
export function showDiff(ide: Ide, { id, title, ...props }: CompareProps & { id: string; title: string }, opening: Opening = {}): void {
  const { content } = props.after;
  ide.workbench.showView(
    {
      id: `diff:${id}`,
      kind: 'diff',
      title,
      hint: props.path,
      icon: GitCompare,
      load: () => import('./Compare.svelte'),
      props,
      ...(typeof content === 'string' ? {} : { dirty: () => content.dirty, save: () => ide.editing.saver.save(content) }),
    },
    opening,
  );
  ide.layout.show('editor');
}

/** A file that changed on disk beside the work here: what is wanted is taken over, then one of the two is kept. */
export async function compareWithDisk(ide: Ide, document: OpenDocument): Promise<void> {
  try {
    const { bytes } = await ide.files.read(document.path);
    const disk = bytes === null ? null : decodeText(bytes);
    if (disk === null) throw new Error('What is on disk now is not text.');
    const id = `disk:${document.path}`;
    const done = (act: () => Promise<unknown>) => async () => {
      await act();
      if (document.conflict === null) ide.workbench.closeView(`diff:${id}`);
    };
    showDiff(ide, {
      id,
      title: `${document.name}: disk and here`,
      path: document.path,
      before: { label: 'On disk now', content: disk.text },
      after: { label: 'Here, not saved', content: document },
      take: true,
      actions: [
        { label: 'Save the right side', run: done(() => document.save(true)) },
        { label: 'Take what is on disk', run: done(() => document.reload()) },
      ],
    });
  } catch (thrown) {
    document.error = `Not compared. ${thrown instanceof Error ? thrown.message : wordsOf(thrown)}`;
  }
}
