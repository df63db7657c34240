import { digestOf } from '@gatehouse/core/api/template-image.ts';
import { z } from 'zod';
import { EngineFailure, linesOf, type Engine } from './engine.ts';

/** What is told of a pull: a line for the log, and how much of it is here, from 0 to 1. */
export type PullProgress = (line: string | null, part: number) => void;

const inspected = z.object({
  Id: z.string(),
  RepoDigests: z.array(z.string()).nullish(),
  Os: z.string(),
  Architecture: z.string(),
  Config: z
    .object({
      Env: z.array(z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      Healthcheck: z.unknown().optional(),
    })
    .nullish(),
});

/** An image that is here, and is the one that was named. */
export interface Image {
  /** names it for good, whatever is pulled or tagged meanwhile */
  id: string;
  /** variables that it sets for its programs */
  environment: Record<string, string>;
  /** folders that it would keep outside the container, which nothing bounds */
  volumes: string[];
  /** a program that it would have run again and again */
  isChecked: boolean;
}

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** @param reference by its digest, or the engine's own id @returns null: it is not here. @throws EngineFailure when it is another one, or for another machine */
export async function findImage(engine: Engine, reference: string): Promise<Image | null> {
  let found: z.infer<typeof inspected>;
  try {
    found = await engine.ask(inspected, { method: 'GET', path: `/images/${reference}/json` });
  } catch (error) {
    if (error instanceof EngineFailure && error.status === 404) return null;
    throw error;
  }
  const digests = (found.RepoDigests ?? []).map(digestOf);
  if (![found.Id, ...digests].includes(digestOf(reference)))
    throw new EngineFailure(`What ${engine.name} has as ${reference} is another image: ${digests.join(', ') || 'it has no digest'}`, null);
  const architecture = ARCHITECTURES[process.arch];
  if (found.Os !== 'linux' || found.Architecture !== architecture)
    throw new EngineFailure(
      `The image is for ${found.Os}/${found.Architecture}, and this machine is linux/${architecture ?? process.arch}`,
      null,
    );
  return {
    id: found.Id,
    environment: Object.fromEntries(
      (found.Config?.Env ?? []).map((each) => {
        const at = each.indexOf('=');
        return [each.slice(0, at), each.slice(at + 1)];
      }),
    ),
    volumes: Object.keys(found.Config?.Volumes ?? {}),
    isChecked: (found.Config?.Healthcheck ?? null) !== null,
  };
}

const step = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
});

/** what comes so often that a log would hold nothing else */
const CHATTER = /^(Downloading|Extracting|Waiting|Verifying Checksum|Pulling fs layer)/;

/**
 * Pulls an image, unless it is here.
 * @throws EngineFailure with what the registry or the engine refuses, in words for the person who asked
 */
export async function pullImage(engine: Engine, reference: string, progress: PullProgress, signal: AbortSignal): Promise<void> {
  if ((await findImage(engine, reference)) !== null) return progress(`Image ${reference} is here\n`, 1);
  progress(`Pulling the image ${reference}\n`, 0);
  const layers = new Map<string, { current: number; total: number }>();
  try {
    const answer = await engine.open({ method: 'POST', path: '/images/create', query: { fromImage: reference }, signal });
    for await (const line of linesOf(answer)) {
      const said = step.safeParse(line);
      if (!said.success) continue;
      const { status = '', id = '', error, progressDetail } = said.data;
      if (error !== undefined) throw new EngineFailure(error, null);
      if (progressDetail?.total !== undefined && id !== '')
        layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
      const [current, total] = [...layers.values()].reduce(([a, b], layer) => [a + layer.current, b + layer.total], [0, 0]);
      const text = [id, status.trim()].filter((part) => part !== '').join(': ');
      progress(CHATTER.test(status) || text === '' ? null : `${text}\n`, total === 0 ? 0 : Math.min(1, current / total));
    }
  } catch (error) {
    if (signal.aborted) throw new Error('cancelled', { cause: error });
    throw new EngineFailure(`The image could not be pulled: ${error instanceof Error ? error.message : String(error)}`, null);
  }
  if ((await findImage(engine, reference)) === null)
    throw new EngineFailure(`The image could not be pulled: ${engine.name} says that it has, and does not have it`, null);
}
