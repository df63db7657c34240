import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Heard } from './heard.ts';

/** As it is shipped: one file. */
const PROGRAM = fileURLToPath(new URL('../../dist/gatehouse-runner.js', import.meta.url));

export interface Program {
  child: ChildProcess;
  output: Heard<string>;
  text(): string;
  ended: Promise<number | null>;
}

/** Starts the runner as a program of its own; it ends with the test, and takes with it what it runs. */
export function startProgram(args: string[]): Program {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new Heard<string>();
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { child, output, ended, text: () => output.all.join('') };
}

/** Runs it to its end. */
export async function runProgram(args: string[]): Promise<{ code: number | null; text: string }> {
  const program = startProgram(args);
  const code = await program.ended;
  return { code, text: program.text() };
}
