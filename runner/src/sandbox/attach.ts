import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { HelperClient } from '../channel/helper-client.ts';
import { messageOf } from '../failure.ts';
import { isAlive, signal, type ProcessId } from '../state/process-id.ts';
import type { Sandbox } from './driver.ts';
import { dialIn } from './socket.ts';
import { lastWords } from './words.ts';

const LOOK_AGAIN_MS = 10;

/** What there is of a sandbox on this machine. */
export interface Body {
  folder: string;
  /** kills all of it; resolves when nothing is left */
  kill(): Promise<void>;
}

/**
 * Kills the processes of a sandbox; resolves when nothing is left.
 * @param first with it goes the whole sandbox, or at least its helper
 * @param killOthers kills what does not go with `first`, if anything does not, and tells whether there was any
 */
export async function killProcesses(first: ProcessId, killOthers: () => boolean = () => false): Promise<void> {
  signal(first, 'SIGKILL');
  // Again, for what was born meanwhile.
  while (killOthers() || isAlive(first)) await setTimeout(LOOK_AGAIN_MS);
}

/**
 * Speaks to the helper of a sandbox, be it new or another runner's, and waits until it serves.
 * @throws Error with why it does not, within `withinMs`; nothing of it runs then
 */
export async function attachSandbox(body: Body, withinMs: number): Promise<Pick<Sandbox, 'helper' | 'ended' | 'stop' | 'leave'>> {
  const { folder } = body;
  let socket: Socket;
  try {
    socket = dialIn(folder);
  } catch (error) {
    await body.kill();
    throw error;
  }
  let fault = '';
  const helper = new HelperClient(socket, (why) => {
    fault ||= why;
    socket.destroy();
  });
  // Whatever breaks the connection is told by its end.
  socket.on('error', () => undefined);
  let left = false;
  const ended = new Promise<string>((resolve) => {
    socket.once('close', () => {
      helper.close();
      if (left) return;
      const why = () => [fault || 'its helper has ended', lastWords(folder)].filter((part) => part !== '').join(': ');
      // Even where it can't be killed: nothing answers any more.
      void body.kill().then(
        () => resolve(why()),
        (error: unknown) => resolve(`${why()}; what is left of it could not be ended: ${messageOf(error)}`),
      );
    });
  });
  const waiting = new AbortController();
  const late = setTimeout(withinMs, null, { signal: waiting.signal }).then(
    () => socket.destroy(new Error((fault = `its helper did not answer within ${withinMs / 1000} s`))),
    () => undefined,
  );
  const failure = await Promise.race([helper.ready, ended]);
  waiting.abort();
  await late;
  if (typeof failure === 'string') throw new Error(failure);
  return {
    helper,
    ended,
    stop: async () => {
      // What comes of it is told by its end.
      await body.kill().catch(() => socket.destroy());
      await ended;
    },
    leave: () => {
      left = true;
      helper.close();
      socket.destroySoon();
    },
  };
}
