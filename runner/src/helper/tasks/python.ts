import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskKind } from '@gatehouse/core/protocol/tasks.ts';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { detailOf, type Named } from './readers.ts';

const table = z.record(z.string(), z.unknown()).catch({});
const project = z.object({
  project: z.object({ scripts: table }).catch({ scripts: {} }),
  tool: z
    .object({
      poe: z.object({ tasks: table }).catch({ tasks: {} }),
      pdm: z.object({ scripts: table }).catch({ scripts: {} }),
      hatch: z.object({ envs: z.object({ default: z.object({ scripts: table }) }) }).catch({ envs: { default: { scripts: {} } } }),
      tox: z.object({ env_list: z.array(z.string()) }).catch({ env_list: [] }),
    })
    .catch({ poe: { tasks: {} }, pdm: { scripts: {} }, hatch: { envs: { default: { scripts: {} } } }, tox: { env_list: [] } }),
});

/** A program that the project installs is found by whoever installed it. */
const runnerOf = (folder: string): TaskKind =>
  existsSync(join(folder, 'uv.lock')) ? 'uv' : existsSync(join(folder, 'poetry.lock')) ? 'poetry' : 'python';

export function pythonTasks(text: string, folder: string): Named[] {
  const { project: own, tool } = project.parse(parse(text));
  const all: [TaskKind, Record<string, unknown>][] = [
    [runnerOf(folder), own.scripts],
    ['poe', tool.poe.tasks],
    ['pdm', tool.pdm.scripts],
    ['hatch', tool.hatch.envs.default.scripts],
    ['tox', Object.fromEntries(tool.tox.env_list.map((name) => [name, `tox -e ${name}`]))],
  ];
  return all.flatMap(([kind, tasks]) =>
    Object.entries(tasks)
      // pdm keeps what is common to all under "_"
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, task]) => ({ kind, name, detail: detailOf(task) })),
  );
}
