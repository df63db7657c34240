import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Page } from './page.ts';
import { makePlace, WAYS, type Place } from './platform.ts';
import type { Program } from './program.ts';
import { Simulation } from './simulation.ts';

const MUCH = 4_000_000;
const BYTES_PER_MS = 500;
/** of a terminal's output, beyond what its driver was sent, before the program is held back */
const PAUSE_ABOVE = 128 * 1024;

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

/** A terminal, its driver and a watcher, all near and at rest. */
async function withPages(act: (simulation: Simulation, program: Program, driver: Page, watcher: Page) => Promise<void>): Promise<void> {
  const simulation = new Simulation(1, place);
  const { world, platform, sandbox } = simulation;
  platform.ways = WAYS.slice(0, 1);
  const [owner, guest] = place.people;
  try {
    const driver = simulation.open(owner);
    driver.create();
    await world.pass(5000);
    const watcher = simulation.open(guest);
    await world.pass(5000);
    const program = [...sandbox.programs.values()][0] ?? expect.fail('no terminal');
    await act(simulation, program, driver, watcher);
    await world.pass(60_000);
    expect([...simulation.broken()].filter((fault) => !fault.startsWith('timers'))).toEqual([]);
  } finally {
    world.end();
  }
}

const positionOf = (page: Page): number => page.panes[0]?.screen.position ?? -1;

/** @returns milliseconds until the driver has seen all of a flood */
async function floodTime(prepare: (watcher: Page) => void): Promise<number> {
  let took = 0;
  await withPages(async ({ world }, program, driver, watcher) => {
    prepare(watcher);
    program.print(MUCH, BYTES_PER_MS);
    for (; positionOf(driver) < MUCH; took += 10) await world.pass(10);
    // all that it missed is in one state and what follows it
    watcher.thaw();
    for (const { screen } of watcher.panes) screen.goOn();
  });
  return took;
}

describe('a flood of output', () => {
  test.each<[string, (watcher: Page) => void]>([
    ['whose page does nothing', (watcher) => watcher.freeze()],
    ['whose screen does not keep up', (watcher) => watcher.panes.forEach(({ screen }) => (screen.stalled = true))],
  ])('W3, T6: comes to its driver as soon beside a watcher %s', async (_what, stall) => {
    const alone = await floodTime(() => undefined);
    expect(alone).toBeLessThan((1.5 * MUCH) / BYTES_PER_MS);
    expect(await floodTime(stall)).toBeLessThan(1.05 * alone);
  });

  test('W3: waits for its driver, is never cut, and goes on where it was', async () => {
    await withPages(async ({ world }, program, driver) => {
      const before = program.pty.end;
      const restarts = driver.panes[0]?.screen.restarts;
      driver.panes.forEach(({ screen }) => (screen.stalled = true));
      program.print(MUCH, BYTES_PER_MS);
      await world.pass(60_000);
      expect(program.pty.end - before).toBeGreaterThan(PAUSE_ABOVE);
      expect(program.pty.end - before).toBeLessThan(LIMITS.window + 2 * PAUSE_ABOVE);
      driver.panes.forEach(({ screen }) => screen.goOn());
      await world.pass(20_000);
      expect(positionOf(driver)).toBe(before + MUCH);
      expect(driver.panes[0]?.screen.restarts).toBe(restarts);
    });
  });

  test('W3: runs on when nobody drives', async () => {
    await withPages(async (simulation, program, driver) => {
      simulation.leave(driver);
      await simulation.world.pass(1000);
      const before = program.pty.end;
      program.print(MUCH, BYTES_PER_MS);
      await simulation.world.pass(20_000);
      expect(program.pty.end).toBe(before + MUCH);
    });
  });
});
