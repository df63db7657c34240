import { describe, expect, it, onTestFinished } from 'vitest';
import { findBuilt } from '../src/built-program.ts';
import { Checkpoints } from '../src/terminals/checkpoints.ts';
import { OutputRing } from '../src/channel/ring.ts';
import { WorkerScreens } from '../src/terminals/screens/worker-screens.ts';
import { follow } from './support/follow.ts';
import { silentLog } from './support/mint.ts';

const program = findBuilt(new URL('../src/main.ts', import.meta.url).href, 'gatehouse-screens.js');
const size = { cols: 80, rows: 24 };

/** Terminals whose screens are drawn by one real thread. */
function setUp(count: number) {
  let time = 0;
  const screens = new WorkerScreens(program, silentLog, () => time);
  onTestFinished(() => screens.close());
  const terminals = Array.from({ length: count }, () => {
    const ring = new OutputRing();
    const checkpoints = new Checkpoints({ ring, size, screens, now: () => time });
    const write = (text: string) => {
      ring.append(new TextEncoder().encode(text));
      checkpoints.output();
    };
    const shown = async () => {
      const terminal = follow(await checkpoints.latest(), ring, checkpoints);
      return terminal.buffer.active.getLine(terminal.buffer.active.baseY)?.translateToString(true);
    };
    return { ring, checkpoints, write, shown };
  });
  return { screens, terminals, pass: (ms: number) => (time += ms) };
}

describe('the thread that draws terminals', () => {
  it('draws all of them', async () => {
    const { terminals } = setUp(20);
    terminals.forEach(({ write }, index) => write(`\x1b[1mterminal ${index}\r\n`));
    expect(await Promise.all(terminals.map(({ shown }) => shown()))).toEqual(terminals.map((_, index) => `terminal ${index}`));
    terminals.forEach(({ write }, index) => write(`\x1b[Hagain ${index}\x1b[K`));
    for (const { checkpoints } of terminals.slice(10)) checkpoints.close();
    expect(await Promise.all(terminals.map(({ shown }) => shown()))).toEqual(terminals.map((_, index) => `again ${index}`));
  });

  it('may fail: terminals go on from the output that is kept', async () => {
    const { screens, terminals, pass } = setUp(1);
    const [{ write, shown, checkpoints, ring }] = terminals as [(typeof terminals)[0]];
    write('\x1b[?2004hkept\r\n');
    await checkpoints.latest();
    await screens.close();
    write('more');
    // too soon after its start for another thread
    expect((await checkpoints.latest()).offset).toBe(ring.end - 4);
    expect(await shown()).toBe('kept');
    pass(1000);
    expect(await checkpoints.latest()).toMatchObject({ offset: ring.end - 1 });
    expect(await shown()).toBe('kept');
  });
});
