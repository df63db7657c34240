import type { TaskKind, TaskRef } from '@gatehouse/core/protocol/tasks.ts';

/** What runs a task, before its name. */
const PROGRAMS: Record<TaskKind, readonly string[]> = {
  npm: ['npm', 'run'],
  pnpm: ['pnpm', 'run'],
  yarn: ['yarn', 'run'],
  bun: ['bun', 'run'],
  deno: ['deno', 'task'],
  make: ['make'],
  cargo: ['cargo'],
  go: ['go'],
  composer: ['composer', 'run-script'],
  python: [],
  uv: ['uv', 'run'],
  poetry: ['poetry', 'run'],
  poe: ['poe'],
  pdm: ['pdm', 'run'],
  hatch: ['hatch', 'run'],
  tox: ['tox', '-e'],
};

/** Of `go`, everything below; other tools find out by themselves. */
const BEHIND: Partial<Record<TaskKind, readonly string[]>> = { go: ['./...'] };

/**
 * Arguments for bash that run a task. An interactive one, because it is there that people set up where `node` and `cargo` are;
 * the program and the task's name are arguments, and never read as a line of shell.
 */
export const taskArguments = ({ kind, name }: TaskRef): string[] => [
  ...['-i', '-c', 'exec "$@"', 'task'],
  ...[...PROGRAMS[kind], name, ...(BEHIND[kind] ?? [])],
];
