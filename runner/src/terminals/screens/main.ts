import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { makeLocalScreens } from './headless-screen.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Screen } from './screens.ts';

/** On Linux a thread has a priority of its own: what people run, and what carries it to them, goes first. */
const BEHIND_THE_OTHERS = 5;

/** The thread that draws the screens of all terminals. */
function serve(port: NonNullable<typeof parentPort>): void {
  if (process.platform === 'linux') setPriority(BEHIND_THE_OTHERS);
  const local = makeLocalScreens();
  const screens = new Map<number, Screen>();
  const answer = (state: FromWorker) => port.postMessage(state, state === null ? [] : [state.buffer]);
  port.on('message', (message: ToWorker) => {
    const screen = screens.get(message.screen);
    if (message.kind === 'open') screens.set(message.screen, local.open(message.size));
    else if (message.kind === 'advance') void (screen?.advance(() => message.steps) ?? Promise.resolve(null)).then(answer);
    else {
      screen?.close();
      screens.delete(message.screen);
    }
  });
}

if (parentPort !== null) serve(parentPort);
