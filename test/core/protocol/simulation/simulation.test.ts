import { beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place } from './platform.ts';
import { play } from './scenario.ts';

/** `SEED=n` plays one seed again, `SEEDS=n` so many from the first on. */
const SEED = process.env['SEED'];
const SEEDS = Number(process.env['SEEDS'] ?? 60);
const seeds = SEED === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(SEED)];
/** Seeds beyond the first ones that once showed a fault. */
const ONCE_BROKEN = [369, 534, 1035];

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

async function expectKept(seed: number): Promise<void> {
  const broken = await play(seed, place).then(
    (simulation) => [...simulation.broken()],
    (error: unknown) => [String(error)],
  );
  expect(broken, `Play it again with SEED=${seed}`).toEqual([]);
}

describe('whatever is cut, stalled, forgotten or loaded again', () => {
  test('S3, T1 to T6, O5, W1 to W3, K2, K4, K5: no byte is lost, repeated or out of place, and no bound is exceeded', async () => {
    for (const seed of seeds) await expectKept(seed);
  }, 3_600_000);

  test.each(ONCE_BROKEN)('the same is true of seed %i, which once showed a fault', expectKept);
});

describe('the simulation itself', () => {
  test('plays the same course of things for the same seed', async () => {
    const traces = [];
    for (const seed of [3, 3, 4]) traces.push((await play(seed, place)).world.trace);
    expect(traces[0]).toBe(traces[1]);
    expect(traces[2]).not.toBe(traces[0]);
  });

  test('cuts, stalls and restarts enough to prove something', async () => {
    const seen = { dials: 0, states: 0, evictions: 0, typed: 0, printed: 0 };
    for (let seed = 1; seed <= 20; seed++) {
      const { counts } = await play(seed, place);
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += counts[name];
    }
    expect(seen.dials).toBeGreaterThan(100);
    expect(seen.states).toBeGreaterThan(20);
    expect(seen.evictions).toBeGreaterThan(20);
    expect(seen.typed).toBeGreaterThan(500);
    expect(seen.printed).toBeGreaterThan(10_000_000);
  });
});
