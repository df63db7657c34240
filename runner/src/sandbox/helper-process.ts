import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HelperClient } from '../channel/helper-client.ts';

const READY_WITHIN = 20_000;
const LAST_WORDS = 2000;

export interface HelperProcess {
  helper: HelperClient;
  ended: Promise<string>;
}

/**
 * Speaks to the helper that `child` is or contains, and waits until it serves.
 * @throws Error with its last words when it does not come up
 */
export async function attachHelper(
  child: ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable },
  kill: () => void,
): Promise<HelperProcess> {
  let words = '';
  let fault = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  const helper = new HelperClient(child.stdout, child.stdin, (why) => {
    fault = why;
    kill();
  });
  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      helper.close();
      const said = words.trim();
      resolve([fault === '' ? how : fault, said].filter((part) => part !== '').join(': '));
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
  });
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error('The sandbox did not come up within 20 s')), READY_WITHIN);
    void Promise.race([helper.ready, ended]).then(() => clearTimeout(timer));
  });
  const failed = ended.then((why) => Promise.reject(new Error(`The sandbox could not start: ${why}`)));
  try {
    await Promise.race([helper.ready, failed, late]);
  } catch (error) {
    kill();
    throw error;
  }
  failed.catch(() => undefined);
  return { helper, ended };
}
