import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { EngineFailure, type Engine } from './engine.ts';
import { LABELS } from './settings.ts';

/** One container of an engine, while it is there. */

const state = z.object({
  State: z.object({ Running: z.boolean(), Pid: z.number().int(), OOMKilled: z.boolean().default(false), ExitCode: z.number().int() }),
});
export type ContainerState = z.infer<typeof state>['State'];

const isGone = (error: unknown) => error instanceof EngineFailure && error.status === 404;

/** Null: there is no such container. */
export async function stateOf(engine: Engine, id: string): Promise<ContainerState | null> {
  try {
    return (await engine.ask(state, { method: 'GET', path: `/containers/${id}/json` })).State;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** the frames in which output comes: kind, three zeros, length */
const HEADER = 8;

/** What a container printed, from the frames in which engines send it. */
export function textOf(frames: Buffer): string {
  let text = '';
  for (let at = 0; at + HEADER <= frames.byteLength;) {
    const end = at + HEADER + frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + HEADER, end);
    at = end;
  }
  return text;
}

/** Keeps what the container said last, where `lastWords` looks for it. */
async function keepWords(engine: Engine, id: string, folder: string): Promise<void> {
  const query = { stdout: '1', stderr: '1', tail: '20' };
  const said = textOf(await engine.bytes({ method: 'GET', path: `/containers/${id}/logs`, query }));
  writeFileSync(join(folder, 'helper.log'), said, { mode: 0o600 });
}

const AGAIN = { times: 50, ms: 100 };

/**
 * Kills a container and takes it away with all that it has; resolves when nothing is left. Asked again where that fails:
 * the engine may be at it already, or still be busy with its end.
 */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  for (let time = 1; ; time++) {
    try {
      await engine.bytes({ method: 'DELETE', path: `/containers/${id}`, query: { force: '1', v: '1' } });
      return;
    } catch (error) {
      if (isGone(error) || (await stateOf(engine, id)) === null) return;
      if (time === AGAIN.times) throw error;
      await setTimeout(AGAIN.ms);
    }
  }
}

/**
 * Kills a container, keeps its last words in the workspace's folder, and takes it away.
 * @returns whether the kernel killed it for want of memory
 */
export async function endContainer(engine: Engine, id: string, folder: string): Promise<boolean> {
  const last = await stateOf(engine, id).catch(() => null);
  if (last !== null) await keepWords(engine, id, folder).catch(() => undefined);
  await removeContainer(engine, id);
  return last?.OOMKilled === true;
}

const listed = z.array(z.object({ Id: z.string() }));

/** Removes whatever is left of a workspace's containers. */
export async function sweepContainers(engine: Engine, labels: Record<keyof typeof LABELS, string>): Promise<void> {
  const filters = JSON.stringify({ label: [`${LABELS.runner}=${labels.runner}`, `${LABELS.workspace}=${labels.workspace}`] });
  const left = await engine.ask(listed, { method: 'GET', path: '/containers/json', query: { all: '1', filters } });
  for (const { Id } of left) await removeContainer(engine, Id);
}
