import { programExit, type ProgramExit } from '../channel/requests.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import type { ProgressLines } from './progress.ts';
import { StartFailure } from './start-failure.ts';

/** of what a program printed last */
export const LAST_LINES = 8;

/** Runs a program in the sandbox. @returns how it ended and the last lines it printed */
export function runProgram(sandbox: Sandbox, argv: string[], environment: Record<string, string>, output: ProgressLines, lines: string[]) {
  return new Promise<{ exit: ProgramExit; last: string }>((resolve, reject) => {
    let exit: ProgramExit = { kind: 'exit', code: null, signal: null };
    sandbox.helper.open(
      { method: 'task.run', argv, environment },
      {
        head: (head) => {
          if (!head.ok) reject(new StartFailure('failed', 'message' in head ? String(head.message) : 'The program could not start'));
        },
        data: (bytes) => output.push(bytes),
        message: (value) => (exit = programExit.parse(value)),
        fin: () => {
          output.end();
          resolve({ exit, last: lines.slice(-LAST_LINES).join('').trim() });
        },
        gone: () => reject(new StartFailure('killed', 'The sandbox ended unexpectedly')),
      },
    );
  });
}

export const endOf = ({ code, signal }: ProgramExit) =>
  signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`;
