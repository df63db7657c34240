import { decodeFrame, encodeControl, encodeFrame } from '@gatehouse/core/protocol/frame.ts';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { makePlace, type Place } from '../simulation/platform.ts';
import { FRAMES, fuzz, LOOK_EVERY, SEED } from './fuzz.ts';
import { mutateFrame, mutateMessage } from './mutate.ts';
import { RunnerRig } from './runner-rig.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

fuzz('O4, E9: broken frames of viewers that are not admitted cost them and nobody else', async () => {
  const rig = new RunnerRig(SEED, place);
  await rig.rest();
  const honest = await rig.join();
  for (let count = 1; count <= FRAMES; count++) {
    const frame = { ...mutateFrame(rig.chance), viewer: rig.chance.between(1000, 1010) };
    if (frame.type !== 'control') rig.receive(encodeFrame(frame));
    // the broker closes those that are refused
    for (const viewer of rig.refused) rig.receive(encodeControl({ kind: 'left', viewer }));
    rig.refused.clear();
    if (count % LOOK_EVERY !== 0) continue;
    await rig.rest();
    expect(honest.isServed()).toBe(true);
  }
  expect(rig.dials).toBe(1);
  expect(rig.refusals).toBeGreaterThan(FRAMES / 10);
});

fuzz('S1, S3, T5: broken frames inside the seal of an admitted viewer cost its stream, or it, and nobody else', async () => {
  const rig = new RunnerRig(SEED, place);
  await rig.rest();
  const honest = await rig.join();
  let hostile = await rig.join();
  let [came, served] = [1, 0];
  for (let count = 1; count <= FRAMES; count++) {
    const frame = mutateFrame(rig.chance);
    if (frame.type === 'open' && !rig.chance.oneIn(200)) frame.stream = hostile.fresh;
    // the broker takes those for itself
    if (frame.type !== 'control') hostile.say(frame);
    if (rig.refused.has(hostile.number)) {
      rig.leave(hostile);
      hostile = await rig.join();
      came += 1;
    }
    if (count % LOOK_EVERY !== 0) continue;
    await rig.rest();
    expect(honest.isServed()).toBe(true);
    served += 1;
  }
  expect([rig.dials, rig.refused.has(honest.number), served]).toEqual([1, false, Math.floor(FRAMES / LOOK_EVERY)]);
  expect(came).toBeGreaterThan(1);
});

fuzz('F4: broken messages of a hostile broker cost the link at most, and the runner dials again', async () => {
  const rig = new RunnerRig(SEED, place);
  await rig.rest();
  for (let count = 1; count <= FRAMES; count++) {
    const message = rig.chance.oneIn(3) ? mutateMessage(rig.chance) : encodeFrame(mutateFrame(rig.chance));
    const { dials } = rig;
    rig.receive(message);
    await setImmediate();
    if (rig.chance.oneIn(20)) rig.clock.pass(35_000);
    if (count % LOOK_EVERY !== 0) continue;
    rig.clock.pass(35_000);
    await rig.rest();
    if (rig.dials > dials || count % (20 * LOOK_EVERY) === 0) expect((await rig.join()).isServed()).toBe(true);
  }
  expect(rig.dials).toBeGreaterThan(FRAMES / 100);
});

test('the messages that these begin with are whole', () => {
  const rig = new RunnerRig(SEED, place);
  for (let count = 0; count < 100; count++)
    expect(decodeFrame(encodeFrame(mutateFrame(rig.chance))).payload.byteLength).toBeLessThanOrEqual(65_536);
});
