import type { HelperStream } from '../channel/helper-client.ts';
import type { BuildLog } from '../control/build-log.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import { hiding } from './hiding.ts';
import { ProgressLines } from './progress.ts';

/** how long a stop script may take */
export const STOP_WITHIN_MS = 30_000;

/**
 * Runs what a template wants done before a workspace stops. Whatever becomes of it, the workspace stops then: what went
 * wrong is said in its log. @param within milliseconds after which it is ended
 */
export function runStopScript(
  sandbox: Pick<Sandbox, 'helper'>,
  { script, secrets }: { script: string; secrets: Record<string, string> | undefined },
  log: Pick<BuildLog, 'line'> | null,
  within = STOP_WITHIN_MS,
): Promise<void> {
  if (script.trim() === '') return Promise.resolve();
  const hide = hiding(secrets);
  const say = (line: string) => log?.line(hide(line));
  say('Running the stop script\n');
  return new Promise((resolve) => {
    const output = new ProgressLines(say, say);
    const end = (words?: string) => {
      clearTimeout(late);
      output.end();
      if (words !== undefined) say(`${words}\n`);
      resolve();
    };
    const stream: HelperStream = sandbox.helper.open(
      { method: 'task.run', argv: ['/bin/bash', '-c', script], environment: {} },
      {
        head: (head) => {
          if (!head.ok) end('The stop script could not start');
        },
        data: (bytes) => output.push(bytes),
        fin: () => end(),
        gone: () => end('The sandbox ended before the stop script did'),
      },
    );
    const late = setTimeout(() => {
      stream.reset();
      end(`The stop script took longer than ${within / 1000} s and was ended`);
    }, within);
  });
}
