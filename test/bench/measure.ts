import { setTimeout as sleep } from 'node:timers/promises';

/** One line of the result: what was measured on which system, and every sample of it. */
export interface Row {
  bench: string;
  what: string;
  system: string;
  unit:
    | 'ms'
    | 'MB/s'
    | 'MB'
    | 'kB'
    | 'bytes'
    | 'requests'
    | 'lines'
    | 'closes'
    | 'of 1'
    | 'per hour'
    | 'per second'
    | 'times'
    | 'rows'
    | 'trips'
    | 'messages'
    | 'puts'
    | 's/h'
    | 'USD';
  samples: number[];
}

export interface Options {
  /** repeats of each measurement, as far as it makes sense to repeat it */
  rounds: number;
  /** a look whether all works: small files, few samples */
  quick: boolean;
  /** installs the peers that npm has, if they are not there yet */
  peers: boolean;
  /** parts of those benchmarks that have parts to be run; empty: all */
  parts: string[];
  /** of `audit`: how many events are very many */
  events: number;
  /** of `identity`: the organisation that is provisioned */
  users: number;
  groups: number;
}

export interface Summary {
  median: number;
  p95: number;
  /** null with fewer than 100 samples, of which the worst would be it */
  p99: number | null;
  min: number;
  max: number;
  n: number;
}

/** Nearest rank, so that each number shown is one that was measured. @throws Error without samples */
export function summarise(samples: number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [median, p95, min, max] = [at(0.5), at(0.95), sorted.at(0), sorted.at(-1)];
  if (median === undefined || p95 === undefined || min === undefined || max === undefined) throw new Error('Nothing was measured');
  return { median, p95, p99: sorted.length < 100 ? null : (at(0.99) ?? null), min, max, n: sorted.length };
}

/** Milliseconds that `work` takes, and its answer. */
export async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const answer = await work();
  return [performance.now() - start, answer];
}

/**
 * Milliseconds of each of `count` runs, one after the other; the first, which warms up, does not count.
 * @param gap longest random pause before each, so that a clock of the product's own does not set the pace
 */
export async function repeat(count: number, work: (index: number) => Promise<unknown>, gap = 0): Promise<number[]> {
  await work(0);
  const samples: number[] = [];
  for (let index = 1; index <= count; index++) {
    if (gap > 0) await sleep(Math.random() * gap);
    samples.push((await timed(() => work(index)))[0]);
  }
  return samples;
}

/** The order of turns, so that no system always has the same neighbour. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** @throws Error that names `what` when `work` is not done within `seconds` */
export async function within<T>(seconds: number, what: string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(seconds * 1000, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: not within ${seconds} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

/** Asks every `every` milliseconds until it holds, so that is how fine its time can be. @throws Error after 30 s */
export async function until(what: string, holds: () => Promise<boolean>, every = 5): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within 30 s`);
    await sleep(every);
  }
}
