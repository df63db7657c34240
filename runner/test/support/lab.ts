import { join } from 'node:path';
import { mintFolder } from './mint.ts';
import { Platform } from './platform.ts';
import { runProgram, startProgram } from './program.ts';

/** A runner that is enrolled at a platform of the test's own, and ways to start it. */
export async function makeLab() {
  const platform = await Platform.start(0);
  const state = join(mintFolder(), 'state');
  const enrolment = ['enroll', '--url', platform.url, '--code', platform.code, '--name', 'lab', '--state-dir', state];
  const { code, text } = await runProgram(enrolment);
  if (code !== 0) throw new Error(text);
  const run = (...more: string[]) => startProgram(['run', '--state-dir', state, ...more]);
  return { platform, state, run };
}
