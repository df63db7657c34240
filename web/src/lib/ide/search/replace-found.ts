import { toast } from '#lib/toast.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import type { Replaced } from './replacer.ts';
import type { FoundFile } from './found-files.ts';

const UNDO_MS = 20_000;
const NAMED = 3;

/** Replaces what was found, says what came of it, and offers to take it back. */
export async function replaceFound(ide: Ide, files: readonly FoundFile[], progress: (done: number) => void): Promise<void> {
  const { search, replacer } = ide;
  if (search.asked === null) return;
  const { finds, files: written, left, undo } = await replacer.replace(files, search.asked, search.replacement, progress);
  const said = `${count(finds, 'find')} in ${count(written, 'file')} replaced`;
  const takeBack = async () => {
    const stays = await undo();
    if (stays.length > 0) toast.error('Not all of it could be taken back', { description: listOf(stays) });
    search.run();
  };
  const action = { label: 'Undo', onClick: () => void takeBack() };
  if (written > 0) toast.success(said, { description: listOf(left), duration: UNDO_MS, action });
  else toast.error('Nothing was replaced', { description: listOf(left) });
}

const count = (number: number, noun: string) => `${number.toLocaleString('en-GB')} ${noun}${number === 1 ? '' : 's'}`;

function listOf(left: Replaced['left']): string {
  const named = left.slice(0, NAMED).map(({ path, why }) => `${path}: ${why}.`);
  return [...named, ...(left.length > NAMED ? [`And ${left.length - NAMED} more.`] : [])].join(' ');
}
