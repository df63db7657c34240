import { readFileSync } from 'node:fs';
import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { Controller } from './cgroup.ts';

const MEBI = 1024 * 1024;
/** V8 alone reserves hundreds of MiB that count as data before it uses one */
const RESERVED_MB = 1024;
/** of file descriptors: what programs begin with, and what they may ask for */
const FILES = { soft: 8192, hard: 65_536 };

/** What the runner itself is held to, and can't give more of. */
function own(name: string): number {
  const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined ? Infinity : Number(hard);
}

/**
 * The bounds that hold for each process, as arguments of `prlimit`, up to the command. Memory only where the kernel can't
 * bound the workspace as a whole, and then what a process can write to (`data`), not its address space: Node and Java
 * reserve far more than they use.
 */
export function processBounds({ processes, memoryMb, diskMb }: TemplateLimits, controls: readonly Controller[]): string[] {
  const files = Math.min(FILES.hard, own('Max open files'));
  return [
    ...[`--nproc=${Math.min(processes, own('Max processes'))}`, '--core=0', `--nofile=${Math.min(FILES.soft, files)}:${files}`],
    ...(memoryMb === null || controls.includes('memory')
      ? []
      : [`--data=${Math.min((memoryMb + RESERVED_MB) * MEBI, own('Max data size'))}`]),
    ...(diskMb === null ? [] : [`--fsize=${Math.min(diskMb * MEBI, own('Max file size'))}`]),
    '--',
  ];
}
