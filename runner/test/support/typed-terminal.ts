import type { Sandbox } from '../../src/sandbox/driver.ts';
import { Terminals } from '../../src/terminals/terminals.ts';
import { noScreens } from './no-screens.ts';

/** Types into a new terminal of a sandbox, and resolves once it shows `until`. */
export async function typeInto(sandbox: Sandbox, input: string, until: string): Promise<void> {
  const terminals = new Terminals(sandbox.helper, { lost: [], keep: () => undefined }, noScreens);
  const size = { cols: 200, rows: 50 };
  const opened = await terminals.open(size, { cwd: '', name: 'one', key: `typed.${Math.random()}` });
  // What is typed is echoed: what it says itself comes on a line of its own, or behind that.
  const shown = () => Buffer.from(opened.ring.read(opened.ring.start, Infinity)).toString().split(input.trim()).at(-1) ?? '';
  await new Promise<void>((resolve, reject) => {
    const watcher = {
      get cursor() {
        return opened.ring.end;
      },
      ...{ size, mayDrive: true, typed: () => undefined, tell: () => undefined },
      changed: () => shown().includes(until) && resolve(),
      over: () => reject(new Error('The shell ended')),
    };
    opened.watch(watcher);
    opened.input(watcher, 'suite', 0, Buffer.from(input));
  });
}
