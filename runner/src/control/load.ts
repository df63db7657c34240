import { readFileSync, statfsSync } from 'node:fs';
import { freemem, loadavg, totalmem } from 'node:os';
import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';

/** Memory that programs could still get, which is more than what is unused. */
function availableMemory(): number {
  try {
    const found = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    return found?.[1] === undefined ? freemem() : Number(found[1]) * 1024;
  } catch {
    return freemem();
  }
}

/** How busy the machine is; sizes in bytes. */
export function measureLoad(stateRoot: string, running: number): Extract<FromRunner, { kind: 'load' }> {
  const disk = statfsSync(stateRoot);
  return {
    kind: 'load',
    load1: loadavg()[0] ?? 0,
    memoryFree: availableMemory(),
    memoryTotal: totalmem(),
    diskFree: disk.bavail * disk.bsize,
    running,
  };
}
