import { env } from 'cloudflare:workers';
import { decode } from 'jose/base64url';
import { describe, expect, it } from 'vitest';
import { chunksMissing, outlived, snapshot, snapshotList, snapshotSettings, snapshotStoreTested } from '@gatehouse/core/api/snapshots.ts';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import type { SnapshotOrder } from '@gatehouse/core/protocol/snapshot.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { sweepSnapshots } from '../../../worker/workspaces/snapshot-sweep.ts';
import { mintSiem } from '../../support/doubles-client.ts';
import { connectControl, enrollRunner } from '../../support/runners.ts';
import { chunkNamed, endOf, insertKept, insertSnapshot, makeKeeping, sealedAs } from '../../support/snapshots.ts';
import { addUser, api, call, eventsOf, mintTenant, problem, read, services, type Tenant } from '../../support/tenants.ts';

type Keeping = Awaited<ReturnType<typeof makeKeeping>>;

/** A whole snapshot with these chunks, as a runner makes it. */
async function make({ workspace, asRunner, put }: Keeping, chunks: readonly string[], cause = 'stop', id = services().newId('snapshot')) {
  expect((await asRunner('PUT', id, { workspaceId: workspace.id, cause })).status).toBe(204);
  const named = chunks.map(chunkNamed);
  const { missing } = read(await asRunner('POST', `${id}/claim`, { chunks: named }), chunksMissing);
  for (const chunk of missing) expect((await put(`${id}/chunks/${chunk}`, sealedAs(chunk))).status).toBe(204);
  expect((await put(`${id}/manifest`, sealedAs(`list of ${id}`))).status).toBe(204);
  const answer = await asRunner('POST', `${id}/end`, endOf({ chunks: named.length }));
  return { id, missing, answer };
}

const objectsOf = async (tenant: Tenant) => (await env.SNAPSHOTS.list({ prefix: `${tenant.id}/` })).objects.map(({ key }) => key).sort();
const listOf = async (on: Keeping) => read(await api(on.site.dev).get(`/workspaces/${on.workspace.id}/snapshots`), snapshotList);

/** What the newest order says of snapshots. */
async function orderedOf({ site }: Keeping): Promise<SnapshotOrder | undefined> {
  const message = await site.control.until(({ kind }) => kind === 'ready' || kind === 'order');
  return message.kind === 'ready' ? message.orders[0]?.snapshots : message.kind === 'order' ? message.order.snapshots : undefined;
}

describe('snapshots', () => {
  it('are stored chunk by chunk, each once, and a second one brings only what is new', async () => {
    const on = await makeKeeping();
    const first = await make(on, ['a', 'b', 'c']);
    expect(first.answer.status).toBe(204);
    const second = await make(on, ['a', 'c', 'd']);
    expect(second.missing).toEqual([chunkNamed('d')]);
    expect(await objectsOf(on.site.tenant)).toHaveLength(6);
    const shown = await listOf(on);
    expect(shown.items.map(({ id, state }) => [id, state])).toEqual([
      [second.id, 'done'],
      [first.id, 'done'],
    ]);
    const read = await on.asRunner('GET', `${second.id}/chunks/${chunkNamed('d')}`);
    expect([read.status, read.body]).toEqual([200, sealedAs(chunkNamed('d'))]);
    expect((await on.asRunner('GET', `${first.id}/manifest`)).body).toBe(sealedAs(`list of ${first.id}`));
    expect((await on.asRunner('GET', `${first.id}/chunks/${chunkNamed('x')}`)).status).toBe(404);
    const events = (await eventsOf(on.site.tenant)).filter(({ action }) => action === 'workspace.snapshot');
    expect(events.map(({ outcome, actor, details }) => [outcome, actor.type, details['exact']])).toEqual([
      ['success', 'runner', true],
      ['success', 'runner', true],
    ]);
  });

  it('are finished only when all of it is there, and say so again when asked again', async () => {
    const on = await makeKeeping();
    const id = services().newId('snapshot');
    await on.asRunner('PUT', id, { workspaceId: on.workspace.id, cause: 'stop' });
    expect((await on.asRunner('POST', `${id}/end`, endOf())).status).toBe(409);
    await on.put(`${id}/chunks/${chunkNamed('a')}`, sealedAs('a'));
    expect((await on.asRunner('POST', `${id}/end`, endOf())).status).toBe(409);
    await on.put(`${id}/manifest`, sealedAs('list'));
    expect((await on.asRunner('POST', `${id}/end`, endOf({ chunks: 2 }))).status).toBe(409);
    expect((await on.asRunner('POST', `${id}/end`, endOf())).status).toBe(204);
    expect((await on.asRunner('POST', `${id}/end`, endOf())).status).toBe(204);
    expect((await on.put(`${id}/chunks/${chunkNamed('b')}`, sealedAs('b'))).status).toBe(409);
  });

  it('that were broken off are gone on with under the same name, or failed by the next', async () => {
    const on = await makeKeeping();
    const [id, next] = [services().newId('snapshot'), services().newId('snapshot')];
    const begin = (each: string) => on.asRunner('PUT', each, { workspaceId: on.workspace.id, cause: 'stop' });
    await begin(id);
    await on.put(`${id}/chunks/${chunkNamed('a')}`, sealedAs('a'));
    expect((await begin(id)).status).toBe(204);
    const claim = await on.asRunner('POST', `${id}/claim`, { chunks: [chunkNamed('a'), chunkNamed('b')] });
    expect(claim.body).toEqual({ missing: [chunkNamed('b')] });
    await begin(next);
    expect((await listOf(on)).items.map(({ state, error }) => [state, error])).toEqual([
      ['making', null],
      ['failed', 'It was broken off'],
    ]);
  });

  it('take no more than a chunk at once, and nothing that is not sealed', async () => {
    const on = await makeKeeping();
    const id = services().newId('snapshot');
    await on.asRunner('PUT', id, { workspaceId: on.workspace.id, cause: 'stop' });
    expect((await on.put(`${id}/chunks/${chunkNamed('a')}`, 'x'.repeat(2 * 1024 * 1024 + 30))).status).toBe(413);
    expect((await on.put(`${id}/chunks/${chunkNamed('a')}`, 'x')).status).toBe(422);
    expect(await objectsOf(on.site.tenant)).toEqual([]);
  });

  it('are for the runner alone that has the workspace', async () => {
    const on = await makeKeeping();
    const { id } = await make(on, ['a']);
    const others = await Promise.all([enrollRunner(on.site.tenant), enrollRunner(await mintTenant())]);
    for (const { token } of others) {
      const headers = { Authorization: `Bearer ${token}` };
      for (const path of [`${id}/manifest`, `${id}/chunks/${chunkNamed('a')}`])
        expect((await call('GET', `/runner/snapshots/${path}`, { headers })).status).toBe(404);
      const body = { workspaceId: on.workspace.id, cause: 'stop' };
      expect((await call('PUT', `/runner/snapshots/${services().newId('snapshot')}`, { headers, body })).status).toBe(404);
    }
  });

  it('fill the service’s store up to its limit, which the runner is told', async () => {
    const on = await makeKeeping();
    const { tenant } = on.site;
    await tenant.db.batch([statement('UPDATE snapshot_stores SET bytes = 100000000000 WHERE tenant_id = ?', tenant.id)]);
    const id = services().newId('snapshot');
    await on.asRunner('PUT', id, { workspaceId: on.workspace.id, cause: 'stop' });
    const answer = await on.put(`${id}/chunks/${chunkNamed('a')}`, sealedAs('a'));
    expect([answer.status, problem(answer).detail]).toEqual([
      403,
      'The organisation’s snapshots take all the room that the service has for them',
    ]);
  });

  it('go when newer ones take their place, with the chunks that no other needs', async () => {
    const on = await makeKeeping();
    const { tenant } = on.site;
    const made = [];
    for (const chunks of [
      ['a', 'x'],
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'c'],
      ['a', 'd'],
    ])
      made.push(await make(on, chunks));
    // Three stay, all of today.
    expect((await listOf(on)).items.map(({ id }) => id)).toEqual(
      made
        .slice(2)
        .map(({ id }) => id)
        .reverse(),
    );
    await sweepSnapshots(services());
    const chunks = (await objectsOf(tenant)).flatMap((key) => key.split('/')[3]?.replaceAll('-', '') ?? []);
    expect(chunks.sort()).toEqual(['a', 'b', 'c', 'd']);
    const { storedBytes } = await listOf(on);
    const settings = read(await api(tenant.owner).get('/snapshot-settings'), snapshotSettings);
    expect(settings.serviceBytes).toBe(storedBytes);
    const gone = (await eventsOf(tenant)).filter(({ action }) => action === 'workspace.snapshot.delete');
    expect(gone.map(({ actor, reason }) => [actor.type, reason])).toEqual([
      ['system', 'Newer ones took their place'],
      ['system', 'Newer ones took their place'],
    ]);
    // What comes again lies elsewhere: what takes the old one away never meets it.
    expect((await make(on, ['a', 'x'])).missing).toEqual([chunkNamed('x')]);
  });

  it('go with their workspace', async () => {
    const on = await makeKeeping();
    const { tenant } = on.site;
    await make(on, ['a', 'b']);
    await tenant.db.batch([statement(`UPDATE workspaces SET phase = 'deleted' WHERE tenant_id = ?`, tenant.id)]);
    await sweepSnapshots(services());
    await sweepSnapshots(services());
    expect(await objectsOf(tenant)).toEqual([]);
    for (const table of ['snapshots', 'snapshot_chunks', 'snapshot_homes', 'snapshot_purges'])
      expect(await tenant.db.rows(`SELECT * FROM ${table} WHERE tenant_id = ?`, tenant.id)).toEqual([]);
    expect((await eventsOf(tenant)).filter(({ action }) => action === 'workspace.snapshot.delete')).toHaveLength(1);
  });

  it('are kept by day: three, and the newest of each of seven days', () => {
    const at = (day: number, hour: number) => ({ id: `${day}.${hour}`, startedAt: new Date(Date.UTC(2026, 0, day, hour)).toISOString() });
    const all = Array.from({ length: 12 }, (_, index) => index + 1)
      .flatMap((day) => [at(day, 9), at(day, 18)])
      .reverse();
    const gone = new Set(outlived(all));
    expect(all.map(({ id }) => id).filter((id) => !gone.has(id))).toEqual([
      '12.18',
      '12.9',
      '11.18',
      '10.18',
      '9.18',
      '8.18',
      '7.18',
      '6.18',
    ]);
  });
});

describe('what a runner is told of snapshots', () => {
  it('is nothing where an organisation keeps none, and its key where it does: sealed, the same each time, never in the clear', async () => {
    const none = await makeKeeping(async () => undefined);
    expect(none.workspace.order.kind === 'order' && none.workspace.order.order.snapshots).toBeUndefined();
    const on = await makeKeeping();
    const told = on.workspace.order.kind === 'order' ? on.workspace.order.order.snapshots : undefined;
    expect(told).toMatchObject({ automatic: true, everyHours: null, ignore: ['.cache'], asked: null, restore: null });
    // The handshake's message: an ephemeral key, then 32 bytes and a tag.
    expect(decode(told?.key ?? '').byteLength).toBe(32 + 32 + 16);
    const rows = await on.site.tenant.db.rows<{ key: string }>('SELECT key FROM snapshot_homes WHERE tenant_id = ?', on.site.tenant.id);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.key).toContain('.');
  });

  it('is that somebody asks for one, until it is made', async () => {
    const on = await makeKeeping();
    const asked = read(await api(on.site.dev).post(`/workspaces/${on.workspace.id}/snapshots`), snapshot);
    expect(asked).toMatchObject({ state: 'asked', by: 'Pat Person' });
    expect((await api(on.site.dev).post(`/workspaces/${on.workspace.id}/snapshots`)).status).toBe(409);
    expect((await orderedOf(on))?.asked).toBe(asked.id);
    await make(on, ['a'], 'asked', asked.id);
    expect((await listOf(on)).items).toMatchObject([{ id: asked.id, state: 'done', by: 'Pat Person' }]);
    expect((await api(on.site.dev).post(`/workspaces/${on.workspace.id}/snapshots`)).status).toBe(202);
    expect((await orderedOf(on))?.asked).not.toBe(asked.id);
  });

  it('never reaches somebody whose workspace it is not', async () => {
    const on = await makeKeeping();
    const stranger = await addUser(on.site.tenant);
    expect((await api(stranger).get(`/workspaces/${on.workspace.id}/snapshots`)).status).toBe(404);
    const admin = await addUser(on.site.tenant, ['template-admin']);
    const { id } = await make(on, ['a']);
    const answer = await api(admin).post(`/workspaces/${on.workspace.id}/restore-home`, { snapshotId: id });
    expect([answer.status, problem(answer).detail]).toEqual([403, 'Only its owner decides what is in a workspace']);
  });
});

describe('a restore', () => {
  it('is for a workspace at rest, ordered with the next generation, and over with the runner’s word', async () => {
    const on = await makeKeeping();
    const { site, workspace } = on;
    const dev = api(site.dev);
    const { id: snapshotId } = await make(on, ['a']);
    expect((await dev.post(`/workspaces/${workspace.id}/restore-home`, { snapshotId })).status).toBe(409);
    await dev.post(`/workspaces/${workspace.id}/stop`);
    const say = (report: number, generation: number, phase: 'stopped' | 'failed') =>
      site.tell({
        kind: 'report',
        report,
        time: new Date().toISOString(),
        body: { workspaceId: workspace.id, generation, phase, ...(phase === 'failed' ? { error: 'Chunk 1 of 1 was altered' } : {}) },
      });
    say(2, 2, 'stopped');
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    const asked = read(await dev.post(`/workspaces/${workspace.id}/restore-home`, { snapshotId }), workspaceSchema);
    expect(asked).toMatchObject({ desired: 'stopped', phase: 'stopping', generation: 3 });
    const order = await site.control.until((message) => message.kind === 'order' && message.order.generation === 3);
    expect(order.kind === 'order' && order.order.snapshots?.restore).toEqual({ id: snapshotId, number: 3 });
    expect((await dev.delete(`/workspaces/${workspace.id}/snapshots/${snapshotId}`)).status).toBe(409);
    say(3, 3, 'failed');
    await site.control.until((message) => message.kind === 'stored' && message.report === 3);
    // The old home stands, and a start is a start of that.
    await dev.post(`/workspaces/${workspace.id}/start`);
    const next = await site.control.until((message) => message.kind === 'order' && message.order.generation === 4);
    expect(next.kind === 'order' && next.order.snapshots?.restore).toBeNull();
    const events = (await eventsOf(site.tenant)).filter(({ action }) => action.startsWith('workspace.home.restore'));
    expect(events.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['workspace.home.restore', 'success'],
      ['workspace.home.restored', 'failure'],
    ]);
  });
});

describe('a runner of a release before', () => {
  it('is asked for nothing that it would pass over', async () => {
    const tenant = await mintTenant();
    const { workspaceId, snapshotId } = await insertKept(tenant);
    await tenant.db.batch([statement('UPDATE runners SET understands = NULL WHERE tenant_id = ?', tenant.id)]);
    for (const [path, body] of [['snapshots'], ['restore-home', { snapshotId }]] as const) {
      const answer = await api(tenant.owner).post(`/workspaces/${workspaceId}/${path}`, body);
      expect([answer.status, problem(answer).detail]).toEqual([409, expect.stringContaining('knows no snapshots')]);
    }
  });
});

describe('a move to another runner', () => {
  it('changes the runner with the generation, orders the restore there, and is asked for until it works out', async () => {
    const tenant = await mintTenant();
    const { workspaceId, snapshotId } = await insertKept(tenant);
    const owner = api(tenant.owner);
    expect(problem(await owner.post(`/workspaces/${workspaceId}/move`, { snapshotId })).detail).toContain('understands snapshots');
    const other = await enrollRunner(tenant);
    const { control, tell } = await connectControl(other);
    const moved = read(await owner.post(`/workspaces/${workspaceId}/move`, { snapshotId }), workspaceSchema);
    expect(moved).toMatchObject({ generation: 2, desired: 'stopped', phase: 'stopping', runner: { id: other.id } });
    const wanted = async (generation: number) => {
      const message = await control.until((each) => each.kind === 'order' && each.order.generation === generation);
      return message.kind === 'order' ? message.order.snapshots?.restore : undefined;
    };
    expect(await wanted(2)).toEqual({ id: snapshotId, number: 2 });
    const say = async (report: number, generation: number, phase: 'running' | 'failed') => {
      tell({ kind: 'report', report, time: new Date().toISOString(), body: { workspaceId, generation, phase } });
      await control.until((message) => message.kind === 'stored' && message.report === report);
    };
    await say(1, 2, 'failed');
    await owner.post(`/workspaces/${workspaceId}/start`);
    expect(await wanted(3)).toEqual({ id: snapshotId, number: 2 });
    await say(2, 3, 'running');
    await owner.post(`/workspaces/${workspaceId}/stop`);
    expect(await wanted(4)).toBeNull();
    const [event] = (await eventsOf(tenant)).filter(({ action }) => action === 'workspace.move');
    expect(event?.details).toMatchObject({ snapshot: snapshotId, to: other.name });
    const back = await owner.post(`/workspaces/${workspaceId}/move`, { snapshotId, runnerId: other.id });
    expect([back.status, problem(back).detail]).toEqual([409, 'It is on that runner already: restore it in place']);
  });

  it('waits for a workspace that runs on a runner that is there', async () => {
    const on = await makeKeeping();
    const { id: snapshotId } = await make(on, ['a']);
    const answer = await api(on.site.dev).post(`/workspaces/${on.workspace.id}/move`, { snapshotId });
    expect([answer.status, problem(answer).detail]).toEqual([
      409,
      'Its runner is there: stop the workspace first, so that the snapshot has all of it',
    ]);
  });

  it('remains possible after the runner was removed', async () => {
    const tenant = await mintTenant();
    const { workspaceId, snapshotId } = await insertKept(tenant);
    const row = await tenant.db.first<{ runner_id: string }>(
      'SELECT runner_id FROM workspaces WHERE tenant_id = ? AND id = ?',
      tenant.id,
      workspaceId,
    );
    expect((await api(tenant.owner).delete(`/runners/${row?.runner_id}`)).status).toBe(204);
    const left = read(await api(tenant.owner).get(`/workspaces/${workspaceId}`), workspaceSchema);
    expect(left).toMatchObject({
      desired: 'stopped',
      phase: 'failed',
      state: { kind: 'runner-removed', ways: expect.arrayContaining(['restore-home']) },
    });
    const other = await enrollRunner(tenant);
    await connectControl(other);
    const moved = read(await api(tenant.owner).post(`/workspaces/${workspaceId}/move`, { snapshotId }), workspaceSchema);
    expect(moved).toMatchObject({ runner: { id: other.id, removed: false }, failure: null });
  });
});

describe('a bucket of the organisation’s own', () => {
  const settingsFor = (bucket: object, more: object = {}) => ({ store: 's3', bucket, everyHours: 6, ignore: ['.cache'], ...more });

  async function withBucket() {
    const double = mintSiem('s3');
    await double.set();
    const { url, bucket, region, accessKeyId } = double.config;
    const place = { url, bucket, region, accessKeyId, prefix: 'homes' };
    const on = await makeKeeping(async (tenant) => {
      const answer = await api(tenant.owner).put('/snapshot-settings', settingsFor(place, { secret: double.secret }), {
        'If-Match': '"0"',
      });
      expect(answer.status).toBe(200);
    });
    return { on, double, place };
  }

  it('holds the chunks, below the prefix, and the secret is never shown nor in the log', async () => {
    const { on, double, place } = await withBucket();
    const { id } = await make(on, ['a']);
    const { objects } = await double.state();
    expect(Object.keys(objects).every((key) => key.startsWith(`homes/${on.site.tenant.id}/`))).toBe(true);
    expect(Object.keys(objects)).toHaveLength(2);
    expect((await on.asRunner('GET', `${id}/chunks/${chunkNamed('a')}`)).body).toBe(sealedAs(chunkNamed('a')));
    expect(await objectsOf(on.site.tenant)).toEqual([]);
    const shown = await api(on.site.tenant.owner).get('/snapshot-settings');
    expect(read(shown, snapshotSettings)).toMatchObject({ store: 's3', bucket: place, everyHours: 6 });
    expect(JSON.stringify([shown.body, await eventsOf(on.site.tenant)])).not.toContain(double.secret);
  });

  it('is tried out by the way that chunks go', async () => {
    const { on, double } = await withBucket();
    const owner = api(on.site.tenant.owner);
    const test = async () => read(await owner.post('/snapshot-settings/test'), snapshotStoreTested);
    expect(await test()).toEqual({ ok: true, message: 'An object was stored, read and removed' });
    await double.set({ denied: true });
    expect(await test()).toEqual({ ok: false, message: 'The bucket answered 403: AccessDenied' });
    const events = (await eventsOf(on.site.tenant)).filter(({ action }) => action === 'snapshot.test');
    expect(events.map(({ outcome }) => outcome)).toEqual(['success', 'failure']);
  });

  it.each([
    ['asks for patience', { answer: { status: 429, times: 1 } }, 503],
    ['is broken', { answer: { status: 500, times: 1 } }, 503],
    ['breaks the connection', { reset: 1 }, 503],
    ['takes it and breaks the connection', { dropAnswer: 1 }, 503],
    ['refuses', { denied: true }, 409],
  ])('that %s is said to the runner, and what was not stored is not counted', async (_, faults, status) => {
    const { on, double } = await withBucket();
    const id = services().newId('snapshot');
    await on.asRunner('PUT', id, { workspaceId: on.workspace.id, cause: 'stop' });
    await double.set(faults);
    expect((await on.put(`${id}/chunks/${chunkNamed('a')}`, sealedAs('a'))).status).toBe(status);
    const claim = () => on.asRunner('POST', `${id}/claim`, { chunks: [chunkNamed('a')] });
    expect((await claim()).body).toEqual({ missing: [chunkNamed('a')] });
    await double.set({ denied: false });
    expect((await on.put(`${id}/chunks/${chunkNamed('a')}`, sealedAs('a'))).status).toBe(204);
    expect((await claim()).body).toEqual({ missing: [] });
  });

  it('is no address inside our own network, and another place needs its secret anew', async () => {
    const { on, place } = await withBucket();
    const put = (settings: object) => api(on.site.tenant.owner).put('/snapshot-settings', settings, { 'If-Match': '"1"' });
    const inside = await put(settingsFor({ ...place, url: 'https://10.0.0.1' }, { secret: 'x' }));
    expect(problem(inside).errors).toEqual([{ path: 'bucket.url', message: 'must be a public address' }]);
    const elsewhere = await put(settingsFor({ ...place, bucket: 'another-bucket' }));
    expect(problem(elsewhere).errors).toEqual([{ path: 'secret', message: 'is needed' }]);
    expect((await put(settingsFor({ ...place, region: 'eu-west-1' }))).status).toBe(200);
    expect((await put(settingsFor(place))).status).toBe(412);
  });

  it('keeps what it has when snapshots go elsewhere from now on', async () => {
    const { on } = await withBucket();
    const first = await make(on, ['a']);
    const owner = api(on.site.tenant.owner);
    await owner.put('/snapshot-settings', { store: 'service', everyHours: null, ignore: [] }, { 'If-Match': '"1"' });
    expect((await make(on, ['a'])).missing).toEqual([chunkNamed('a')]);
    expect((await on.asRunner('GET', `${first.id}/chunks/${chunkNamed('a')}`)).body).toBe(sealedAs(chunkNamed('a')));
  });

  it('that does not answer does not hold up the sweep, which comes again', async () => {
    const { on, double } = await withBucket();
    const { id } = await make(on, ['a']);
    await insertSnapshot(
      on.site.tenant,
      on.workspace.id,
      (await on.site.tenant.db.first<{ id: string }>('SELECT id FROM snapshot_stores WHERE tenant_id = ?', on.site.tenant.id))?.id ?? '',
    );
    await api(on.site.dev).delete(`/workspaces/${on.workspace.id}/snapshots/${id}`);
    await double.set({ denied: true });
    await sweepSnapshots(services());
    expect(Object.keys((await double.state()).objects)).toHaveLength(2);
    await double.set({ denied: false });
    await sweepSnapshots(services());
    expect(Object.keys((await double.state()).objects)).toHaveLength(0);
  });
});
