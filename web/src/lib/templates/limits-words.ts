import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';

const size = (mb: number) => (mb < 1024 ? `${mb} MB` : `${Number((mb / 1024).toFixed(1))} GB`);

/** "2 CPUs, 4 GB of memory, 4,096 processes, 10 GB of disk": what is bounded. */
export function limitsWords({ cpus, memoryMb, processes, diskMb }: TemplateLimits): string {
  return [
    cpus === null ? null : `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}`,
    memoryMb === null ? null : `${size(memoryMb)} of memory`,
    `${processes.toLocaleString('en')} processes`,
    diskMb === null ? null : `${size(diskMb)} of disk`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}
