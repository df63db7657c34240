import { describe, expect, test } from 'vitest';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { runnerList } from '@gatehouse/core/api/runners.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { challengeText } from '@gatehouse/core/protocol/connection.ts';
import { toRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { fingerprintOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { leadsTo, type RunnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { connectControl, makeKeys, openSocket, rotationOf, TestSocket, type EnrolledRunner } from '../../support/runners.ts';
import { attachTo, join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { api, call, eventsOf, problem, read } from '../../support/tenants.ts';

const change = (runner: Pick<EnrolledRunner, 'token'>, rotation: RunnerRotation) =>
  call('POST', '/runner/keys', { body: rotation, headers: { Authorization: `Bearer ${runner.token}`, Origin: 'none' } });
const fingerprintIn = async (site: Site) => read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.fingerprint;

describe('a runner changes its keys', () => {
  test('with one event that names both fingerprints; its page shows the new one, and only the new key is let in', async () => {
    const site = await makeSite();
    const { keys, rotation } = await rotationOf(site.runner);
    expect((await change(site.runner, rotation)).status).toBe(200);
    const fingerprint = await fingerprintOf(keys);
    expect(await fingerprintIn(site)).toBe(fingerprint);
    const events = (await eventsOf(site.tenant)).filter(({ action }) => action === 'runner.rotate_key');
    expect(events).toMatchObject([
      { actor: { type: 'runner' }, diff: [{ path: 'fingerprint', old: site.runner.fingerprint, new: fingerprint, secret: false }] },
    ]);
    await connectControl({ ...site.runner, keys });
    const { socket } = await openSocket('/runner/control', { Authorization: `Bearer ${site.runner.token}` });
    if (!socket) throw new Error('The control socket was refused');
    const old = new TestSocket(socket, (data) => toRunner.parse(JSON.parse(data as string)));
    const challenge = await old.next();
    if (challenge.kind !== 'challenge') throw new Error('Expected a challenge');
    const signature = await site.runner.keys.sign(challengeText(challenge.nonce, '/api/v1/runner/control'));
    const facts = { version: '1', platform: 'x', labels: {}, drivers: [], warnings: [], inventory: [] };
    socket.send(JSON.stringify({ kind: 'proof', signature, ...facts }));
    expect((await old.closed).code).toBe(CLOSE_CODES.unauthenticated.code);
  });

  test('twice with the same words: the second time it answers the same and changes nothing', async () => {
    const site = await makeSite();
    const { rotation } = await rotationOf(site.runner);
    const [first, again] = [await change(site.runner, rotation), await change(site.runner, rotation)];
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
    expect((await eventsOf(site.tenant)).filter(({ action }) => action === 'runner.rotate_key')).toHaveLength(1);
  });

  test('not where a signature is by another key, nor with words that named keys which are no longer in use', async () => {
    const site = await makeSite();
    const stranger = await makeKeys();
    const { rotation: forged } = await rotationOf(site.runner, stranger);
    expect(problem(await change(site.runner, forged))).toMatchObject({ code: 'invalid', errors: [{ path: 'oldSignature' }] });
    const { rotation: unheld } = await rotationOf(site.runner);
    const swapped = { ...unheld, newSignature: unheld.oldSignature };
    expect(problem(await change(site.runner, swapped))).toMatchObject({ code: 'invalid', errors: [{ path: 'newSignature' }] });
    const { keys, rotation } = await rotationOf(site.runner);
    await change(site.runner, rotation);
    expect(problem(await change(site.runner, unheld))).toMatchObject({ code: 'conflict' });
    expect(await fingerprintIn(site)).toBe(await fingerprintOf(keys));
  });

  test('not once it is revoked', async () => {
    const site = await makeSite();
    const { rotation } = await rotationOf(site.runner);
    await api(site.tenant.owner).post(`/runners/${site.runner.id}/revoke`);
    expect((await change(site.runner, rotation)).status).toBe(401);
  });

  test('while people are in its workspaces: they stay, and a browser that knew the old key is told how the new one follows', async () => {
    const site = await makeSite();
    const running = await makeRunning(site);
    const { viewer } = await join(site.dev, running.id);
    let isClosed = false;
    void viewer.closed.then(() => (isClosed = true));
    const { keys, rotation } = await rotationOf(site.runner);
    await change(site.runner, rotation);
    const { runner } = read(await attachTo(site.dev, running.id), attachment);
    expect(runner.fingerprint).toBe(await fingerprintOf(keys));
    expect(await leadsTo(runner.id, site.runner.fingerprint, runner, runner.rotations)).toBe(true);
    expect(isClosed).toBe(false);
  });
});

describe('a browser that remembers a fingerprint', () => {
  test('follows several changes, and none that the key before did not sign, that is missing, or that is of another runner', async () => {
    const runner = { id: 'run_1', keys: await makeKeys() };
    const remembered = await fingerprintOf(runner.keys);
    const one = await rotationOf(runner);
    const two = await rotationOf({ id: runner.id, keys: one.keys });
    const told = [two.rotation, one.rotation];
    expect(await leadsTo(runner.id, remembered, two.keys, told)).toBe(true);
    expect(await leadsTo(runner.id, remembered, two.keys, [two.rotation])).toBe(false);
    expect(await leadsTo('run_2', remembered, two.keys, told)).toBe(false);
    const forged = await rotationOf({ id: runner.id, keys: one.keys }, await makeKeys());
    expect(await leadsTo(runner.id, remembered, forged.keys, [forged.rotation, one.rotation])).toBe(false);
    // Back to a key that was given up is no way, either.
    expect(await leadsTo(runner.id, await fingerprintOf(two.keys), runner.keys, told)).toBe(false);
  });
});

test('a socket of a runner that was dialled with keys which are given up meanwhile is still the runner’s', async () => {
  const site = await makeSite();
  const { rotation } = await rotationOf(site.runner);
  await change(site.runner, rotation);
  site.tell({ kind: 'load', load1: 0.5, memoryFree: 1, memoryTotal: 2, diskFree: 3, running: 0 });
  await expect.poll(async () => read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.load?.load1).toBe(0.5);
  expect((await openSocket('/runner/control', { Authorization: `Bearer ${site.runner.token}` })).response.status).toBe(101);
});
