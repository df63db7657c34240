import { describe, expect, test } from 'vitest';
import { workspaceHealthList, runnerUsage, type WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import { dryRun } from '@gatehouse/core/api/template-dry-run.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { sweepIdleWorkspaces } from '../../../worker/workspaces/auto-stop.ts';
import { sweepSchedules } from '../../../worker/workspaces/scheduled-stop.ts';
import { connectControl } from '../../support/runners.ts';
import { join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, problem, read, services } from '../../support/tenants.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const at = (time: number): Services => ({ ...services(), now: () => new Date(time) });
const inMinutes = (minutes: number): Services => at(Date.now() + minutes * MINUTE);
const setTenant = (site: Site, values: PolicyValues) => api(site.tenant.owner).put('/tenant/policy', { values }, { 'If-Match': '"0"' });
const desired = async (site: Site, id: string) =>
  (await site.tenant.db.first<{ desired: string }>('SELECT desired FROM workspaces WHERE tenant_id = ? AND id = ?', site.tenant.id, id))
    ?.desired;
const usage = (other: Partial<WorkspaceUsage> = {}): WorkspaceUsage => ({
  cpu: { used: 0.5, most: 2 },
  memory: { used: 2 ** 30, most: 2 ** 32 },
  disk: { used: null, most: null },
  processes: { used: 12, most: 4096 },
  trouble: null,
  working: null,
  ...other,
});
const health = async (person: Parameters<typeof api>[0], ...ids: string[]) =>
  read(await api(person).get(`/workspace-health?ids=${ids.join(',')}`), workspaceHealthList).items;

/** What the runner says has reached the database: the messages of a control socket are worked on one after another. */
async function tellUsage(site: Site, id: string, told: WorkspaceUsage): Promise<void> {
  site.tell({ kind: 'usage', workspaces: [{ workspaceId: id, ...told }] });
  await expect.poll(async () => (await health(site.dev, id))[0]?.usage).toEqual(told);
}

describe('auto-stop with work', () => {
  test.each<[string, boolean[], number, 'running' | 'stopped']>([
    ['nothing was ever said of work', [], 31, 'stopped'],
    ['nothing works', [false], 31, 'stopped'],
    ['something works', [true], 31, 'running'],
    ['something works for as long as it may', [true], 119, 'running'],
    ['something works for longer', [true], 121, 'stopped'],
    ['something worked until a moment ago', [true, false], 29, 'running'],
    ['something worked, and its time is over', [true, false], 31, 'stopped'],
  ])('%s', async (_, said, minutes, expected) => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTenant(site, { autoStop: 30, unattendedWork: 2 });
    for (const working of said) await tellUsage(site, id, usage({ working }));
    await sweepIdleWorkspaces(inMinutes(minutes));
    expect(await desired(site, id)).toBe(expected);
  });

  test('without a word in the policy, work holds it up for twelve hours', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTenant(site, { autoStop: 30 });
    await tellUsage(site, id, usage({ working: true }));
    await sweepIdleWorkspaces(inMinutes(719));
    expect(await desired(site, id)).toBe('running');
    await sweepIdleWorkspaces(inMinutes(721));
    expect(await desired(site, id)).toBe('stopped');
    const stopped = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.stop');
    expect(stopped).toMatchObject({ actor: { type: 'system' }, details: { policy: 'unattendedWork' } });
  });

  test('a runner says nothing of what is not its own', async () => {
    const [site, other] = [await makeSite(), await makeSite()];
    const { id } = await makeRunning(site);
    await setTenant(site, { autoStop: 30 });
    other.tell({ kind: 'usage', workspaces: [{ workspaceId: id, ...usage({ working: true }) }] });
    const own = await makeRunning(other);
    await tellUsage(other, own.id, usage({ working: true }));
    await sweepIdleWorkspaces(inMinutes(31));
    expect(await desired(site, id)).toBe('stopped');
    expect((await health(site.tenant.owner, own.id)).length).toBe(0);
  });

  test('“Keep running” counts as use, with an event; only the owner may', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTenant(site, { autoStop: 30 });
    const [before] = await health(site.dev, id);
    expect(before).toMatchObject({ stop: { why: 'idle', left: null }, mine: true, usage: null });
    await site.tenant.db.rows(
      "UPDATE workspaces SET created_at = '2026-01-01T00:00:00.000Z' WHERE tenant_id = ? AND id = ? RETURNING id",
      site.tenant.id,
      id,
    );
    const kept = await api(site.dev).post(`/workspaces/${id}/postpone`, { why: 'idle' });
    expect(kept.status).toBe(200);
    const { stop } = kept.body as WorkspaceHealth;
    expect(Date.parse(stop?.at ?? '')).toBeGreaterThan(Date.now() + 29 * MINUTE);
    await sweepIdleWorkspaces(inMinutes(29));
    expect(await desired(site, id)).toBe('running');
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.postpone');
    expect(event).toMatchObject({ actor: { id: site.dev.id }, details: { template: 'shell', why: 'idle' } });
    expect(problem(await api(site.tenant.owner).post(`/workspaces/${id}/postpone`, { why: 'idle' }))).toMatchObject({ status: 403 });
  });

  test('one that somebody is connected to has no such stop', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTenant(site, { autoStop: 30 });
    await join(site.dev, id);
    expect(await health(site.dev, id)).toMatchObject([{ id, stop: null }]);
  });
});

describe('a schedule', () => {
  const soon = Date.now() + 3 * 60 * MINUTE;
  const clock = new Date(soon).toISOString().slice(11, 16);
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const due = Date.parse(`${new Date(soon).toISOString().slice(0, 16)}:00.000Z`);

  /** A workspace whose template stops it each day in three hours. */
  async function makeScheduled(postpone = 1) {
    const site = await makeSite();
    const schedule = { timeZone: 'UTC', stops: [{ days, at: clock }], postpone };
    const published = await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { schedule } });
    expect(published.status).toBe(201);
    const { id } = await makeRunning(site);
    await sweepSchedules(services());
    return { site, id };
  }

  test('stops it at its time, whoever is there, with an event that says why', async () => {
    const { site, id } = await makeScheduled();
    await join(site.dev, id);
    expect(await health(site.dev, id)).toMatchObject([{ stop: { at: new Date(due).toISOString(), why: 'schedule', left: 1 } }]);
    await sweepSchedules(at(due - 1));
    expect(await desired(site, id)).toBe('running');
    await sweepSchedules(at(due));
    expect(await desired(site, id)).toBe('stopped');
    const stopped = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.stop');
    expect(stopped).toMatchObject({
      actor: { type: 'system' },
      reason: 'The schedule of its template stops it now',
      details: { schedule: `Stops every day at ${clock}, UTC` },
    });
    await site.control.until((message) => message.kind === 'order' && message.order.desired === 'stopped');
  });

  test('terminals are warned once, ten minutes before; a runner of a release before is told nothing that it does not know', async () => {
    const { site, id } = await makeScheduled();
    await sweepSchedules(at(due - 11 * MINUTE));
    await sweepSchedules(at(due - 10 * MINUTE));
    await sweepSchedules(at(due - 9 * MINUTE));
    await sweepSchedules(at(due));
    const told = [];
    for (let message = await site.control.next(); message.kind !== 'order'; message = await site.control.next()) told.push(message);
    expect(told).toEqual([
      { kind: 'notice', workspaceId: id, text: expect.stringContaining('stops in 10 minutes, as its template’s schedule says') },
    ]);

    const old = await makeScheduled();
    const { control } = await connectControl(old.site.runner, { hears: undefined });
    await sweepSchedules(at(due - 9 * MINUTE));
    await sweepSchedules(at(due));
    expect(await control.next()).toMatchObject({ kind: 'order', order: { desired: 'stopped' } });
  });

  test('is put off by an hour, as often as the template allows', async () => {
    const { site, id } = await makeScheduled(1);
    const postponed = await api(site.dev).post(`/workspaces/${id}/postpone`, { why: 'schedule' });
    const later = new Date(due + 60 * MINUTE).toISOString();
    expect(postponed.body).toMatchObject({ stop: { at: later, why: 'schedule', left: 0 } });
    expect(problem(await api(site.dev).post(`/workspaces/${id}/postpone`, { why: 'schedule' })).code).toBe('not-ready');
    await sweepSchedules(at(due + 59 * MINUTE));
    expect(await desired(site, id)).toBe('running');
    await sweepSchedules(at(due + 60 * MINUTE));
    expect(await desired(site, id)).toBe('stopped');
    const event = (await eventsOf(site.tenant)).filter(({ action }) => action === 'workspace.postpone');
    expect(event).toMatchObject([{ outcome: 'success', details: { why: 'schedule', until: later } }]);
  });

  test('a stop is for the start that it was planned for: the next one has the next stop', async () => {
    const { site, id } = await makeScheduled(1);
    await api(site.dev).post(`/workspaces/${id}/postpone`, { why: 'schedule' });
    await api(site.dev).post(`/workspaces/${id}/stop`);
    await api(site.dev).post(`/workspaces/${id}/start`);
    const body = { workspaceId: id, generation: 3, phase: 'running' as const };
    site.tell({ kind: 'report', report: 2, time: new Date().toISOString(), body });
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    expect(await health(site.dev, id)).toMatchObject([{ stop: { at: new Date(due).toISOString(), left: 1 } }]);
    await sweepSchedules(at(due + MINUTE));
    expect(await desired(site, id)).toBe('running');
    await sweepSchedules(at(due + DAY));
    expect(await desired(site, id)).toBe('stopped');
  });

  test('without one there is nothing to put off', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    expect(problem(await api(site.dev).post(`/workspaces/${id}/postpone`, { why: 'schedule' })).code).toBe('not-ready');
  });

  test('is in the dry run as a sentence, in the file, and in the diff of versions', async () => {
    const site = await makeSite();
    const owner = api(site.tenant.owner);
    const schedule = { timeZone: 'Europe/Berlin', stops: [{ days: ['monday', 'friday'], at: '19:00' }], postpone: 2 };
    const dry = read(await owner.post(`/templates/${site.templateId}/dry-run`, { spec: { schedule } }), dryRun);
    expect(dry.schedule?.words).toBe('Stops Monday and Friday at 19:00, Berlin time');
    expect(dry.schedule?.next).toMatch(/^(today|tomorrow|Monday|Friday) 19:00$/);
    await owner.post(`/templates/${site.templateId}/versions`, { spec: { schedule } });
    const diff = await owner.get(`/templates/${site.templateId}/diff?from=1&to=2`);
    expect(diff.body).toEqual({ changes: [{ path: 'schedule', old: null, new: schedule, secret: false }] });
    const written = await owner.get(`/templates/${site.templateId}/export`);
    const imported = read(await owner.post('/templates/import', { file: String(written.body), name: 'again' }), templateDetail);
    expect(imported.spec.schedule).toEqual(schedule);
  });

  test('what is wrong with one is told with its field', async () => {
    const site = await makeSite();
    const spec = { schedule: { timeZone: 'Berlin', stops: [{ days: ['monday'], at: '19:00' }] } };
    const refused = problem(await api(site.tenant.owner).post('/templates', { name: 'timed', spec }));
    expect(refused.errors).toEqual([{ path: 'spec.schedule.timeZone', message: 'must be a time zone such as Europe/Berlin' }]);
  });
});

describe('what workspaces use', () => {
  test('is the newest that their runner told, and asking has it told more often', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    expect(await health(site.dev, id)).toMatchObject([{ usage: null }]);
    expect(await site.control.until((message) => message.kind === 'watch')).toEqual({ kind: 'watch' });
    await tellUsage(site, id, usage({ trouble: 'the workspace used more than its 2 GB of memory' }));
    await tellUsage(site, id, usage({ disk: { used: 5, most: 10 } }));
    // Asked again and again, the runner is told once in half a minute.
    await api(site.dev).post(`/workspaces/${id}/stop`);
    expect(await site.control.until((message) => message.kind !== 'stored')).toMatchObject({ kind: 'order' });
    expect(await health(site.dev, id)).toEqual([]);
  });

  test('is for those who may see the workspace, or are in it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const colleague = await addUser(site.tenant);
    expect(await health(colleague, id)).toEqual([]);
    expect(await health(site.tenant.owner, id)).toMatchObject([{ id, mine: false }]);
    expect(problem(await api(site.dev).get('/workspace-health?ids=everything'))).toMatchObject({ status: 422 });
  });

  test('of a whole runner it is for those who may see runners', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await tellUsage(site, id, usage());
    const answer = read(await api(site.tenant.owner).get(`/runners/${site.runner.id}/usage`), runnerUsage);
    expect(answer.items).toEqual([{ workspace: { id, name: 'box', owner: expect.any(String) }, usage: usage() }]);
    expect(problem(await api(site.dev).get(`/runners/${site.runner.id}/usage`))).toMatchObject({ status: 403 });
  });
});
