import { lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { foundTask, MOST_DETAIL, MOST_TASKS, type FoundTask } from '@gatehouse/core/protocol/tasks.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { runRipgrep } from '../search/ripgrep.ts';
import { pythonTasks } from './python.ts';
import { cargoTasks, composerTasks, denoTasks, goTasks, makeTasks, packageTasks, type Named } from './readers.ts';

/** a file that names tasks is small */
const MOST_BYTES = 256 * 1024;
const MOST_TASK_FILES = 300;

/** What reads the tasks that a file names; `folder`: where it lies on the disk. @throws when it can't be read as what it is */
const READERS: Record<string, (text: string, folder: string, root: string) => Named[]> = {
  'package.json': packageTasks,
  Makefile: makeTasks,
  makefile: makeTasks,
  GNUmakefile: makeTasks,
  'deno.json': denoTasks,
  'deno.jsonc': denoTasks,
  'composer.json': composerTasks,
  'Cargo.toml': cargoTasks,
  'go.mod': goTasks,
  'pyproject.toml': pythonTasks,
};
/** What others wrote, where git does not ignore it anyway. */
const FOREIGN = ['node_modules', 'vendor', 'target', '.venv', 'venv', '.cache', '.npm', '.cargo', '.local'];

/** Lists the tasks that the files of the workspace name. */
export function listTasks(root: string, stream: Stream): StreamEvents {
  let [files, tasks] = [MOST_TASK_FILES, MOST_TASKS];
  return runRipgrep(
    root,
    {
      arguments: [
        ...['--files', '--null'],
        ...Object.keys(READERS).map((name) => `--glob=${name}`),
        ...FOREIGN.map((folder) => `--glob=!**/${folder}/**`),
      ],
      separator: 0,
      lineOf: (answer) => {
        const found = tasksOf(root, answer.toString().replace(/^\.\//, ''));
        if (files-- === 0 || (tasks -= found.length) < 0) return 'full';
        return found.length === 0 ? null : found.map((task) => JSON.stringify(task)).join('\n');
      },
    },
    stream,
  );
}

function tasksOf(root: string, path: string): FoundTask[] {
  const place = join(root, path);
  const folder = dirname(path) === '.' ? '' : dirname(path);
  try {
    const stats = lstatSync(place);
    if (!stats.isFile() || stats.size > MOST_BYTES) return [];
    const named = READERS[basename(path)]?.(readFileSync(place, 'utf8'), dirname(place), root) ?? [];
    // What the protocol could not carry could not be run either.
    return named.flatMap((task) => foundTask.safeParse({ ...task, detail: task.detail.slice(0, MOST_DETAIL), folder }).data ?? []);
  } catch {
    // somebody is writing it
    return [];
  }
}
