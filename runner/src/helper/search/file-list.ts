import { MOST_FILES } from '@gatehouse/core/protocol/search.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { runRipgrep } from './ripgrep.ts';

/** Stands where bytes are no UTF-8: such a name could not be asked for. */
const UNREADABLE = '\uFFFD';

/** Lists all files that git would not ignore. */
export function searchFiles(root: string, stream: Stream): StreamEvents {
  let left = MOST_FILES;
  return runRipgrep(
    root,
    {
      arguments: ['--files', '--null'],
      separator: 0,
      lineOf: (answer) => {
        const path = answer.toString().replace(/^\.\//, '');
        if (path.includes(UNREADABLE)) return null;
        return left-- === 0 ? 'full' : JSON.stringify(path);
      },
    },
    stream,
  );
}
