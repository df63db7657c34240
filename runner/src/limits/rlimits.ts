import { readFileSync } from 'node:fs';
import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { Controller } from './cgroup.ts';

const MEBI = 1024 * 1024;
/** V8 alone reserves hundreds of MiB that count as data before it uses one */
const RESERVED_MB = 1024;
/** of file descriptors: what programs begin with, and what they may ask for */
const FILES = { soft: 8192, hard: 65_536 };

/** What the runner itself is held to, and can't give more of. */
export function ownLimit(name: 'Max open files' | 'Max processes' | 'Max data size' | 'Max file size'): number {
  const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined ? Infinity : Number(hard);
}

/** One bound of a process: what it begins with, and what it may ask for. */
export interface ProcessBound {
  name: 'nproc' | 'core' | 'nofile' | 'data' | 'fsize';
  soft: number;
  hard: number;
}

/**
 * The bounds that hold for each process. Memory only where the kernel can't
 * bound the workspace as a whole, and then what a process can write to (`data`), not its address space: Node and Java
 * reserve far more than they use.
 */
export function processBounds({ processes, memoryMb, diskMb }: TemplateLimits, controls: readonly Controller[]): ProcessBound[] {
  const files = Math.min(FILES.hard, ownLimit('Max open files'));
  const bound = (name: ProcessBound['name'], most: number, soft = most): ProcessBound => ({ name, soft, hard: most });
  return [
    bound('nproc', Math.min(processes, ownLimit('Max processes'))),
    bound('core', 0),
    bound('nofile', files, Math.min(FILES.soft, files)),
    ...(memoryMb === null || controls.includes('memory')
      ? []
      : [bound('data', Math.min((memoryMb + RESERVED_MB) * MEBI, ownLimit('Max data size')))]),
    ...(diskMb === null ? [] : [bound('fsize', Math.min(diskMb * MEBI, ownLimit('Max file size')))]),
  ];
}

/** The same as arguments of `prlimit`, up to the command. */
export const prlimitArguments = (bounds: readonly ProcessBound[]): string[] => [
  ...bounds.map(({ name, soft, hard }) => `--${name}=${soft}:${hard}`),
  '--',
];
