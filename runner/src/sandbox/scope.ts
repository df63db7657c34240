import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from './elf.ts';

/**
 * Abstract sockets (D-Bus, X11 and others of the machine) belong to a network namespace, not to a folder: a sandbox with
 * the machine's network would reach them, and a filter of kernel calls can't see which socket is meant. Landlock can
 * (Linux 6.12), but only a process that is in already can enter it, and Node has no way to call it. So this is a program of
 * 123 bytes that enters it and becomes the command behind it; without one it says by its end whether the kernel can.
 */
const CODE = [
  '488d3d5c000000 be18000000 31d2 b8bc010000 0f05', // landlock_create_ruleset(&attr, 24, 0)
  '4989c4 48833c2401 7431', // no command: to the end
  '4885c0 780b 89c7 31f6 b8be010000 0f05', // landlock_restrict_self(ruleset, 0), if there is one
  '488b7c2410 488d742410 488b0424 488d54c410 b83b000000 0f05', // execve(argv[1], &argv[1], environment)
  'bf7f000000 eb0c', // it did not become it: 127
  '31ff 4d85e4 7905 bf01000000 b83c000000 0f05', // exit
  '0000000000000000 0000000000000000 0100000000000000', // attr: no files, no ports, scoped: abstract sockets
].join('');

let known: Uint8Array | null | undefined;

/** The program, or null where the kernel has no such scopes or the processor is another one: found out by running it. */
export function scopeProgram(): Uint8Array | null {
  known ??= find();
  return known;
}

function find(): Uint8Array | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const program = programOf(Buffer.from(CODE.replaceAll(' ', ''), 'hex'), 'x64');
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  try {
    const path = join(folder, 'scope');
    writeFileSync(path, program);
    chmodSync(path, 0o755);
    return spawnSync(path, { timeout: 5000 }).status === 0 ? program : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes it among the files that a sandbox is made from. @returns arguments to put before a command inside */
export function scopeIn(control: string, inside: string): string[] {
  const program = scopeProgram();
  if (program === null) return [];
  writeFileSync(join(control, 'scope'), program);
  chmodSync(join(control, 'scope'), 0o755);
  return [`${inside}/scope`];
}

/** What is missing, for the runner's page; null: nothing. */
export const whyNoScope = (): string | null =>
  scopeProgram() === null
    ? 'Abstract sockets of this machine (D-Bus, X11) can be reached by workspaces that have its network: that needs Linux 6.12 with Landlock on x86-64'
    : null;
