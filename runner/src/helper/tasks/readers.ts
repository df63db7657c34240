import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TaskKind } from '@gatehouse/core/protocol/tasks.ts';
import { z } from 'zod';

/** A task as its file names it. */
export interface Named {
  kind: TaskKind;
  name: string;
  detail: string;
}

const scripts = z.record(z.string(), z.unknown()).catch({});
/** A script is a line, or several. */
export const detailOf = (script: unknown): string => (typeof script === 'string' ? script : JSON.stringify(script ?? ''));
const named = (kind: TaskKind, all: Record<string, unknown>): Named[] =>
  Object.entries(all).map(([name, script]) => ({ kind, name, detail: detailOf(script) }));

const LOCKS: readonly [string, TaskKind][] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
];

/** The nearest lock file above decides. */
function managerOf(folder: string, root: string): TaskKind {
  for (let at = folder; at.length >= root.length; at = dirname(at)) {
    const lock = LOCKS.find(([file]) => existsSync(join(at, file)));
    if (lock !== undefined) return lock[1];
    if (at === dirname(at)) break;
  }
  return 'npm';
}

const packageFile = z.object({ scripts, packageManager: z.string().catch('') });
const MANAGER = /^(npm|pnpm|yarn|bun)@/;

export function packageTasks(text: string, folder: string, root: string): Named[] {
  const { scripts: all, packageManager } = packageFile.parse(JSON.parse(text));
  const declared = MANAGER.exec(packageManager)?.[1] as TaskKind | undefined;
  return named(declared ?? managerOf(folder, root), all);
}

export function composerTasks(text: string): Named[] {
  return named('composer', z.object({ scripts }).parse(JSON.parse(text)).scripts);
}

export function denoTasks(text: string): Named[] {
  // JSON with comments and commas behind the last entry; strings stay as they are
  const plain = text
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_all, string: string | undefined) => string ?? '')
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_all, string: string | undefined) => string ?? '');
  const task = z.union([z.string(), z.object({ command: z.string() }).transform(({ command }) => command)]);
  const { tasks } = z.object({ tasks: z.record(z.string(), task).catch({}) }).parse(JSON.parse(plain));
  return named('deno', tasks);
}

const TARGET = /^([\w][\w.-]*(?:[ \t]+[\w][\w.-]*)*)[ \t]*::?(?!=)([^=#\n]*)(?:#+[ \t]*(.*))?$/gm;
const PHONY = /^\.PHONY[ \t]*:([^#\n]*)/gm;

/** Targets that a person would ask for: those said to be no files, and others whose names are no file names. */
export function makeTasks(text: string): Named[] {
  const phony = new Set([...text.matchAll(PHONY)].flatMap(([, names = '']) => names.split(/\s+/)));
  const tasks = new Map<string, Named>();
  for (const [, names = '', needs = '', words = ''] of text.replaceAll('\\\n', ' ').matchAll(TARGET))
    for (const name of names.split(/[ \t]+/))
      if (!tasks.has(name) && (phony.has(name) || !name.includes('.')))
        tasks.set(name, { kind: 'make', name, detail: words.trim() || needs.trim() });
  return [...tasks.values()];
}

export const cargoTasks = (): Named[] =>
  ['build', 'test', 'check', 'clippy', 'run'].map((name) => ({ kind: 'cargo', name, detail: `cargo ${name}` }));

export const goTasks = (): Named[] => ['build', 'test', 'vet'].map((name) => ({ kind: 'go', name, detail: `go ${name} ./...` }));
