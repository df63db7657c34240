import type { Terminal } from '@xterm/headless';
import type { Checkpoint, Checkpoints } from '../../src/terminals/checkpoints.ts';
import type { OutputRing } from '../../src/channel/ring.ts';
import { makeHeadless, play } from '../../src/terminals/screens/headless-screen.ts';

/** What a page does with a checkpoint: its state in a fresh terminal, then the output from there on with its sizes. */
export function follow(checkpoint: Checkpoint, ring: OutputRing, checkpoints: Checkpoints): Terminal {
  const terminal = makeHeadless(checkpoint);
  play(terminal, [new Uint8Array(checkpoint.state)]);
  let from = checkpoint.offset;
  for (const { offset, cols, rows } of checkpoints.resizesFrom(from)) {
    play(terminal, [ring.read(from, offset - from), { cols, rows }]);
    from = offset;
  }
  play(terminal, [ring.read(from, Infinity)]);
  return terminal;
}
