import { encodeFrame } from '@gatehouse/core/protocol/frame.ts';
import { beforeAll, expect, test, vi } from 'vitest';
import { makePlace, type Place } from '../simulation/platform.ts';
import { BrowserRig } from './browser-rig.ts';
import { FRAMES, fuzz, LOOK_EVERY, SEED } from './fuzz.ts';
import { mutateFrame, mutateMessage } from './mutate.ts';

vi.mock('@gatehouse/core/protocol/noise.ts', async (original) => ({
  ...(await original<object>()),
  ...(await import('./instant-noise.ts')).instantNoise,
}));

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

fuzz('E9, F4: broken messages of a hostile broker cost the socket at most, and the page dials again', async () => {
  const rig = new BrowserRig(SEED, place);
  for (let count = 1; count <= FRAMES; count++) {
    if (!rig.chance.oneIn(4)) await rig.reconnect();
    rig.receive(rig.chance.oneIn(3) ? mutateMessage(rig.chance) : encodeFrame(mutateFrame(rig.chance)));
    await rig.rest();
    expect(rig.written).toBe(0);
    if (count % LOOK_EVERY !== 0) continue;
    await rig.reconnect();
    expect(await rig.isServed()).toBe(true);
  }
  expect(rig.dials).toBeGreaterThan(FRAMES / 10);
  rig.end();
});

fuzz('S1 to S6: broken frames inside the seal of a hostile runner cost a stream, or the socket, and nothing fails', async () => {
  const rig = new BrowserRig(SEED, place);
  let calls = 0;
  const answered = () => void (calls -= 1);
  for (let count = 1; count <= FRAMES; count++) {
    if (!rig.isConnected) {
      await rig.reconnect();
      if (rig.chance.oneIn(2)) rig.openTerminal();
    }
    if (rig.chance.oneIn(4)) {
      calls += 1;
      rig.connection.call({ method: 'files.stat', path: 'a' }).then(answered, answered);
    }
    if (rig.chance.oneIn(5)) rig.link.input('typed');
    const frame = mutateFrame(rig.chance);
    if (frame.stream !== 0 && !rig.chance.oneIn(10)) frame.stream = rig.chance.pick([1, ...rig.opened.slice(-3)]);
    rig.say(frame);
    await rig.rest(rig.chance.oneIn(10) ? 100 : 0);
    if (count % LOOK_EVERY !== 0) continue;
    await rig.reconnect();
    expect(await rig.isServed()).toBe(true);
  }
  expect(rig.dials).toBeGreaterThan(FRAMES / 100);
  expect(rig.written).toBeGreaterThan(0);
  rig.end();
  await rig.rest();
  expect(calls).toBe(0);
});

test('a page that is served shows what its terminal writes', async () => {
  const rig = new BrowserRig(SEED, place);
  await rig.reconnect();
  rig.openTerminal();
  rig.say({ type: 'data', stream: rig.opened[0] ?? 0, offset: 0, payload: new Uint8Array(7) });
  expect(rig.written).toBe(7);
  rig.end();
});
