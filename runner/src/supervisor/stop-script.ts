import type { HelperStream } from '../channel/helper-client.ts';
import { programExit, type ProgramExit } from '../channel/requests.ts';
import type { BuildLog } from '../control/build-log.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import { hiding } from './hiding.ts';
import { ProgressLines } from './progress.ts';
import { endOf } from './run-program.ts';

/** how long a stop script may take */
export const STOP_WITHIN_MS = 30_000;

/**
 * Runs what a template wants done before a workspace stops. Whatever becomes of it, the workspace stops then.
 * @param within milliseconds after which it is ended
 * @returns what went wrong, which its log says too; null: nothing
 */
export function runStopScript(
  sandbox: Pick<Sandbox, 'helper'>,
  { script, secrets }: { script: string; secrets: Record<string, string> | undefined },
  log: Pick<BuildLog, 'line'> | null,
  within = STOP_WITHIN_MS,
): Promise<string | null> {
  if (script.trim() === '') return Promise.resolve(null);
  const hide = hiding(secrets);
  const say = (line: string) => log?.line(hide(line));
  say('Running the stop script\n');
  return new Promise((resolve) => {
    const output = new ProgressLines(say, say);
    let exit: ProgramExit | null = null;
    const end = (words: string | null) => {
      clearTimeout(late);
      output.end();
      if (words !== null) say(`${words}\n`);
      resolve(words);
    };
    const stream: HelperStream = sandbox.helper.open(
      { method: 'task.run', argv: ['/bin/bash', '-c', script], environment: {} },
      {
        head: (head) => {
          if (!head.ok) end('The stop script could not start');
        },
        data: (bytes) => output.push(bytes),
        message: (value) => (exit = programExit.parse(value)),
        fin: () => end(exit?.code === 0 ? null : `The stop script ${exit === null ? 'ended' : endOf(exit)}`),
        gone: () => end('The sandbox ended before the stop script did'),
      },
    );
    const late = setTimeout(() => {
      stream.reset();
      end(`The stop script took longer than ${within / 1000} s and was ended`);
    }, within);
  });
}
