import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makePlace, type Place } from '../simulation/platform.ts';
import { RunnerRig, type RigViewer } from './runner-rig.ts';

const FULL = new Uint8Array(LIMITS.payload);
const size = { cols: 80, rows: 24 };

let place: Place;
let rig: RunnerRig;
beforeAll(async () => {
  place = await makePlace();
});
beforeEach(async () => {
  rig = new RunnerRig(1, place);
  await rig.rest();
});

const clear = (viewer: number, part: Partial<Frame> = {}) =>
  encodeFrame({ type: 'data', sealed: false, viewer, stream: 1, offset: 0, payload: new Uint8Array(3), ...part });

describe('what the runner holds for others', () => {
  test('O4: a viewer is refused once, and what it still says is dropped until it has left', async () => {
    const viewer = await rig.join();
    for (let count = 0; count < 100; count++) rig.receive(clear(viewer.number));
    expect(rig.refusals).toBe(1);
    rig.leave(viewer);
    rig.receive(clear(viewer.number));
    expect(rig.refusals).toBe(2);
  });

  test('K1: a broker that speaks for more viewers than there may be breaks the protocol', () => {
    for (let viewer = 1; viewer <= LIMITS.viewers; viewer++) rig.receive(clear(100 + viewer));
    rig.clock.pass(35_000);
    expect([rig.dials, rig.refusals]).toEqual([1, LIMITS.viewers]);
    rig.receive(clear(99));
    rig.clock.pass(35_000);
    expect([rig.dials, rig.refusals]).toEqual([2, LIMITS.viewers]);
  });

  test('O2: number 0 is nobody’s', () => {
    rig.receive(clear(0));
    rig.clock.pass(35_000);
    expect([rig.dials, rig.refusals]).toEqual([2, 0]);
  });

  test.each<[string, (viewer: RigViewer) => Promise<void>]>([
    ['before the answer', async () => undefined],
    ['that nobody reads', async () => rig.rest()],
  ])('W2: a viewer that sends far more than its window, %s, is refused, and another goes on', async (_when, wait) => {
    const [viewer, other] = [await rig.join(), await rig.join()];
    const streams = Array.from({ length: 40 }, () => viewer.fresh);
    for (const stream of streams)
      viewer.say({ type: 'open', stream, offset: 0, payload: encodeJson({ method: 'files.write', path: 'a', etag: '*', size: 9e9 }) });
    await wait(viewer);
    let sent = 0;
    for (; !rig.refused.has(viewer.number) && sent < 100; sent++) {
      viewer.say({ type: 'data', stream: streams[sent % 40] ?? 1, offset: LIMITS.payload * Math.floor(sent / 40), payload: FULL });
    }
    expect(sent * LIMITS.payload).toBeGreaterThan(LIMITS.window);
    expect(sent * LIMITS.payload).toBeLessThan(3 * LIMITS.window);
    expect(other.isServed()).toBe(true);
  });

  test('T5, W2: input that is read may be more than the window, and what is sent twice is no more than it was', async () => {
    const viewer = await rig.join();
    const stream = viewer.fresh;
    viewer.say({ type: 'open', stream, offset: 0, payload: encodeJson({ method: 'pty.open', ...size, key: 'terminal' }) });
    await rig.rest();
    for (let count = 0; count < 100; count++) {
      for (let again = 0; again < 2; again++) viewer.say({ type: 'data', stream, offset: count * LIMITS.payload, payload: FULL });
      rig.clock.pass(5);
    }
    expect(rig.refusals).toBe(0);
    expect(viewer.isServed()).toBe(true);
  });
});
