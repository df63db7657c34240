import { decodeJson, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { beforeAll, expect, test } from 'vitest';
import { RunnerRig, type RigViewer } from '../fuzz/runner-rig.ts';
import { makePlace, WAYS, type Place } from './platform.ts';
import { Simulation } from './simulation.ts';

/** more than a watcher may be behind */
const FAR = 600_000;

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

test('T3, T4: a size that changed after a state was drawn, and before any more output, is told with it', async () => {
  const simulation = new Simulation(1, place);
  const { world, platform, sandbox } = simulation;
  platform.ways = WAYS.slice(0, 1);
  const [owner, guest] = place.people;
  try {
    const driver = simulation.open(owner);
    driver.create();
    await world.pass(2000);
    for (const program of sandbox.programs.values()) program.print(FAR, 1000);
    await world.pass(5000);
    const early = simulation.open(guest);
    await world.pass(2000);
    driver.panes[0]?.link.wish({ cols: 111, rows: 44 });
    await world.pass(2000);
    const late = simulation.open(guest);
    await world.pass(2000);
    for (const page of [driver, early, late]) expect(page.panes.map(({ screen }) => screen.isLevel)).toEqual([true]);
    expect([early, late].map((page) => page.panes[0]?.screen.restarts)).toEqual([1, 1]);
  } finally {
    world.end();
  }
});

test('T2, T1: a terminal is seen once its shell has started, by whoever asked for it under its key twice, too', async () => {
  const rig = new RunnerRig(1, place);
  await rig.rest();
  const [one, two] = [await rig.join(), await rig.join()];
  const ask = (viewer: RigViewer, request: object) => {
    const stream = viewer.fresh;
    viewer.say({ type: 'open', stream, offset: 0, payload: encodeJson(request) });
    return stream;
  };
  const open = { method: 'pty.open', cols: 80, rows: 24, key: 'terminal' };
  const terminalsSeen: unknown[] = [];
  two.on = ({ type, payload }) => type === 'head' && terminalsSeen.push(decodeJson(payload));
  const heads: unknown[] = [];
  one.on = ({ type, payload }) => type === 'head' && heads.push(decodeJson(payload));
  ask(one, open);
  ask(one, open);
  ask(two, { method: 'pty.list' });
  expect(terminalsSeen).toEqual([{ ok: true, terminals: [] }]);
  await rig.rest();
  expect(heads).toHaveLength(2);
  expect(heads[0]).toEqual(heads[1]);
  ask(two, { method: 'pty.list' });
  expect(terminalsSeen).toMatchObject([{}, { terminals: [{ offset: 0 }] }]);
});
