import { describe, expect, test, vi } from 'vitest';
import { workspace as workspaceSchema, type Workspace } from '@gatehouse/core/api/workspaces.ts';
import { runner as runnerSchema } from '@gatehouse/core/api/runners.ts';
import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { sweepQueues } from '../../../worker/workspaces/queue.ts';
import { Chance } from '../../support/chance.ts';
import { connectControl, enrollRunner } from '../../support/runners.ts';
import { makeSite, type Site } from '../../support/site.ts';
import { api, eventsOf, read, services } from '../../support/tenants.ts';

/** A story of many steps takes its time where others work. */
vi.setConfig({ testTimeout: 60_000 });

const setCapacity = (site: Site, capacity: number | null, id = site.runner.id) =>
  api(site.tenant.owner).patch(`/runners/${id}`, { capacity });
const create = async (site: Site, name: string): Promise<Workspace> =>
  read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name }), workspaceSchema);
const look = async (site: Site, { id }: { id: string }): Promise<Workspace> =>
  read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema);
const stop = (site: Site, { id }: { id: string }) => api(site.dev).post(`/workspaces/${id}/stop`);
const start = (site: Site, { id }: { id: string }) => api(site.dev).post(`/workspaces/${id}/start`);

/** Reports of one runner, numbered as it numbers them. */
function reporter(site: Site) {
  let number = 0;
  return async (body: WorkspaceReport): Promise<void> => {
    number += 1;
    const report = number;
    site.tell({ kind: 'report', report, time: new Date().toISOString(), body });
    await site.control.until((message) => message.kind === 'stored' && message.report === report);
  };
}
const nextOrderTo = async (site: Site, id: string) => {
  const message = await site.control.until((each) => each.kind === 'order' && each.order.workspaceId === id);
  return message.kind === 'order' ? message.order : null;
};
const placesOf = async (site: Site) =>
  (
    await site.tenant.db.rows<{ id: string }>(
      'SELECT id FROM workspaces WHERE tenant_id = ? AND runner_id = ? AND place = 1',
      ...[site.tenant.id, site.runner.id],
    )
  ).map(({ id }) => id);

describe('a full runner', () => {
  test('lets workspaces wait in line, and starts them in the order of asking when a place becomes free', async () => {
    const site = await makeSite();
    const say = reporter(site);
    await setCapacity(site, 1);
    const [one, two, three] = [await create(site, 'one'), await create(site, 'two'), await create(site, 'three')];
    expect(one).toMatchObject({ phase: 'queued', line: null });
    expect(two).toMatchObject({ phase: 'queued', line: { position: 1, running: 1, capacity: 1 } });
    expect(three).toMatchObject({ line: { position: 2 } });
    await say({ workspaceId: one.id, generation: 1, phase: 'running' });
    await stop(site, one);
    // A place is free only once the runner has said so.
    expect(await look(site, two)).toMatchObject({ line: { position: 1 } });
    site.tell({
      kind: 'report',
      report: 2,
      time: new Date().toISOString(),
      body: { workspaceId: one.id, generation: 2, phase: 'stopped' },
    });
    expect(await nextOrderTo(site, two.id)).toMatchObject({ desired: 'running', generation: 1 });
    expect(await look(site, two)).toMatchObject({ phase: 'queued', line: null });
    expect(await look(site, three)).toMatchObject({ line: { position: 1 } });
  });

  test.each(['failed', 'deleted'] as const)('gives the place of one that is %s to the next', async (phase) => {
    const site = await makeSite();
    await setCapacity(site, 1);
    const [one, two] = [await create(site, 'one'), await create(site, 'two')];
    if (phase === 'deleted') await api(site.dev).delete(`/workspaces/${one.id}`);
    const generation = phase === 'deleted' ? 2 : 1;
    site.tell({ kind: 'report', report: 1, time: new Date().toISOString(), body: { workspaceId: one.id, generation, phase } });
    expect(await nextOrderTo(site, two.id)).toMatchObject({ desired: 'running' });
    expect(await placesOf(site)).toEqual([two.id]);
  });

  test('with more capacity takes who waits at once; with less it stops nothing', async () => {
    const site = await makeSite();
    await setCapacity(site, 1);
    const [one, two] = [await create(site, 'one'), await create(site, 'two')];
    const raised = read(await setCapacity(site, 2), runnerSchema);
    expect(raised).toMatchObject({ capacity: 2, used: 2, waiting: 0 });
    expect(await nextOrderTo(site, two.id)).toMatchObject({ desired: 'running' });
    await setCapacity(site, 1);
    expect((await placesOf(site)).sort()).toEqual([one.id, two.id].sort());
    const event = (await eventsOf(site.tenant)).filter(({ action }) => action === 'runner.update').at(-1);
    expect(event).toMatchObject({ resource: { id: site.runner.id }, diff: [{ path: 'capacity', old: 2, new: 1 }] });
  });

  test('is left by Stop, and who stood behind moves up', async () => {
    const site = await makeSite();
    await setCapacity(site, 1);
    const [, two, three] = [await create(site, 'one'), await create(site, 'two'), await create(site, 'three')];
    await stop(site, two);
    expect(await look(site, two)).toMatchObject({ desired: 'stopped', phase: 'stopped', line: null });
    expect(await look(site, three)).toMatchObject({ line: { position: 1 } });
    // Whoever comes back stands at the end.
    await start(site, two);
    expect(await look(site, two)).toMatchObject({ phase: 'queued', line: { position: 2 } });
  });

  test('is told to keep stopped what waits, also when it connects anew', async () => {
    const site = await makeSite();
    await setCapacity(site, 1);
    const [one, two] = [await create(site, 'one'), await create(site, 'two')];
    const { ready } = await connectControl(site.runner);
    const wanted = Object.fromEntries(ready.orders.map(({ workspaceId, desired }) => [workspaceId, desired]));
    expect(wanted).toEqual({ [one.id]: 'running', [two.id]: 'stopped' });
  });

  test('a report on one that waits changes nothing: it keeps its turn', async () => {
    const site = await makeSite();
    const say = reporter(site);
    await setCapacity(site, 1);
    const [, two] = [await create(site, 'one'), await create(site, 'two')];
    await say({ workspaceId: two.id, generation: 1, phase: 'stopped' });
    expect(await look(site, two)).toMatchObject({ phase: 'queued', line: { position: 1 } });
  });

  test('one that is stopped and started again before the runner stopped it keeps its place', async () => {
    const site = await makeSite();
    const say = reporter(site);
    await setCapacity(site, 1);
    const [one, two] = [await create(site, 'one'), await create(site, 'two')];
    await say({ workspaceId: one.id, generation: 1, phase: 'running' });
    await stop(site, one);
    await start(site, one);
    expect(await look(site, one)).toMatchObject({ generation: 3, phase: 'queued', line: null });
    expect(await look(site, two)).toMatchObject({ line: { position: 1 } });
  });
});

describe('a new workspace', () => {
  test('goes to the runner with most free places, and waits only where none has one', async () => {
    const site = await makeSite();
    const other = await enrollRunner(site.tenant);
    await connectControl(other);
    await setCapacity(site, 1);
    await setCapacity(site, 2, other.id);
    const made = [await create(site, 'one'), await create(site, 'two'), await create(site, 'three'), await create(site, 'four')];
    const on = (id: string) => made.filter(({ runner }) => runner.id === id);
    expect(made[0]?.runner.id).toBe(other.id);
    expect(made.slice(0, 3).map(({ line }) => line)).toEqual([null, null, null]);
    expect(on(site.runner.id).filter(({ line }) => line === null)).toHaveLength(1);
    expect(on(other.id).filter(({ line }) => line === null)).toHaveLength(2);
    expect(made[3]?.line).toMatchObject({ position: 1 });
  });

  test('of many at the same moment no more than there are places are handed over, and nobody is lost', async () => {
    const site = await makeSite();
    const other = await enrollRunner(site.tenant);
    await connectControl(other);
    await setCapacity(site, 2);
    await setCapacity(site, 3, other.id);
    const made = await Promise.all(Array.from({ length: 9 }, (_, at) => create(site, `box-${at}`)));
    const rows = await site.tenant.db.rows<{ runner_id: string; placed: number; waiting: number }>(
      'SELECT runner_id, sum(place) AS placed, sum(waits_since IS NOT NULL) AS waiting FROM workspaces WHERE tenant_id = ? GROUP BY runner_id',
      site.tenant.id,
    );
    const placed = Object.fromEntries(rows.map(({ runner_id, placed }) => [runner_id, placed]));
    expect(placed).toEqual({ [site.runner.id]: 2, [other.id]: 3 });
    expect(rows.reduce((sum, { waiting }) => sum + waiting, 0)).toBe(made.length - 5);
  });
});

test('the sweep serves a line whose turn was lost, and sends an order that was lost', async () => {
  const site = await makeSite();
  await setCapacity(site, 1);
  const [one, two] = [await create(site, 'one'), await create(site, 'two')];
  await site.tenant.db.batch([
    statement(
      "UPDATE workspaces SET place = 0, desired = 'stopped', phase = 'stopped' WHERE tenant_id = ? AND id = ?",
      site.tenant.id,
      one.id,
    ),
  ]);
  await sweepQueues(services());
  expect(await nextOrderTo(site, two.id)).toMatchObject({ desired: 'running' });
  await sweepQueues(services());
  expect(await nextOrderTo(site, two.id)).toMatchObject({ desired: 'running' });
});

test('whatever people and the runner do, no more run than may, nobody waits beside a free place, and nobody overtakes', async () => {
  const seed = Date.now() % 1_000_000;
  const chance = new Chance(seed);
  const site = await makeSite();
  const say = reporter(site);
  let capacity = 2;
  await setCapacity(site, capacity);
  const all = await Promise.all(Array.from({ length: 7 }, (_, at) => create(site, `box-${at}`)));
  const waitingOf = async () =>
    (
      await site.tenant.db.rows<{ id: string }>(
        'SELECT id FROM workspaces WHERE tenant_id = ? AND waits_since IS NOT NULL ORDER BY waits_since, id',
        site.tenant.id,
      )
    ).map(({ id }) => id);
  let [places, line] = [await placesOf(site), await waitingOf()];
  const steps: string[] = [];
  for (let step = 0; step < 80; step += 1) {
    const which = chance.pick(all);
    const now = await look(site, which);
    const act = chance.pick(['start', 'stop', 'report', 'report', 'report', 'capacity'] as const);
    if (act === 'start') await start(site, which);
    else if (act === 'stop') await stop(site, which);
    else if (act === 'capacity') {
      capacity = chance.between(1, 4);
      await setCapacity(site, capacity);
    } else if (now.line === null && places.includes(which.id)) {
      const phase = now.desired === 'stopped' ? 'stopped' : chance.pick(['starting', 'running', 'failed'] as const);
      await say({ workspaceId: which.id, generation: now.generation, phase });
    }
    steps.push(`${act} ${now.name} (${now.desired}, ${now.phase})`);
    const [placesNow, lineNow] = [await placesOf(site), await waitingOf()];
    const told = `seed ${seed}, step ${step}: ${steps.slice(-5).join('; ')}`;
    // A smaller capacity stops nothing: then no place may be given until there is room again.
    expect(placesNow.length, told).toBeLessThanOrEqual(Math.max(capacity, places.length));
    if (placesNow.length > places.length) expect(placesNow.length, told).toBeLessThanOrEqual(capacity);
    if (lineNow.length > 0) expect(placesNow.length, told).toBeGreaterThanOrEqual(capacity);
    const admitted = line.filter((id) => placesNow.includes(id));
    expect(admitted, told).toEqual(line.filter((id) => id !== which.id || placesNow.includes(id)).slice(0, admitted.length));
    expect(
      lineNow.filter((id) => line.includes(id)),
      told,
    ).toEqual(line.filter((id) => lineNow.includes(id)));
    [places, line] = [placesNow, lineNow];
  }
});
