import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { recording, recordingList, recordingMatches, recordingSettings, recordingSlice } from '@gatehouse/core/api/recordings.ts';
import {
  importRecordingKey,
  makeRecordingKey,
  openSlice,
  unpackEvents,
  type RecordingKey,
  type TapeEvent,
} from '@gatehouse/core/protocol/recording.ts';
import { runnerPolicyClaims } from '@gatehouse/core/protocol/runner-policy.ts';
import { sweepRecordings } from '../../../worker/workspaces/recording-sweep.ts';
import { sealSlice } from '../../support/recordings.ts';
import { makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, call, eventsOf, read, services } from '../../support/tenants.ts';

const BEGAN = Date.parse('2026-01-01T10:00:00.000Z');
const output = (second: number, text: string): TapeEvent => ({
  time: BEGAN + second * 1000,
  kind: 'output',
  bytes: new Uint8Array(new TextEncoder().encode(text)),
});

/** A running workspace whose terminals must be recorded, and its runner's way to the service. */
async function setUp() {
  const site = await makeSite();
  const owner = api(site.tenant.owner);
  const workspace = await makeRunning(site);
  const revision = (await owner.get('/tenant/policy')).headers.get('ETag') ?? '';
  await owner.put('/tenant/policy', { values: { recording: 'required' } }, { 'If-Match': revision });
  const key = await keyOf(site);
  const id = services().newId('recording');
  const put = (path: string, body: unknown) =>
    call('PUT', `/runner${path}`, { body, headers: { Authorization: `Bearer ${site.runner.token}` } });
  const facts = {
    workspaceId: workspace.id,
    terminalId: 'one',
    title: 'Terminal 1',
    keyId: key.id,
    startedAt: new Date(BEGAN).toISOString(),
    end: null as { at: string; slices: number; hash: string | null } | null,
  };
  return { site, owner, workspace, key, id, put, facts };
}

/** The key that the newest order of the runner names. */
async function keyOf({ control }: Site): Promise<RecordingKey> {
  for (;;) {
    const message = await control.until(({ kind }) => kind === 'ready' || kind === 'order');
    const [order] = message.kind === 'ready' ? message.orders : message.kind === 'order' ? [message.order] : [];
    const [, claims = ''] = (order?.policy ?? '').split('.');
    const { policy } = runnerPolicyClaims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
    const found = policy['recording'] as { mode: string; key: RecordingKey } | undefined;
    if (found !== undefined) return found.key;
  }
}

describe('recordings', () => {
  it('come slice by slice, each once, in their order, and are watched and found only with a trace', async () => {
    const { site, owner, key, id, put, facts } = await setUp();
    expect((await put(`/recordings/${id}/slices/0`, { bytes: 'AAAA', hash: '0'.repeat(64) })).status).toBe(404);
    expect((await put(`/recordings/${id}`, facts)).status).toBe(204);
    expect((await put(`/recordings/${id}`, facts)).status).toBe(204);
    const begin: TapeEvent = { time: BEGAN, kind: 'begin', cols: 80, rows: 24, title: 'Terminal 1' };
    const first = await sealSlice(key, { recordingId: id, slice: 0 }, [begin, output(1, '$ kubectl delete pod api-7\r\n')], null);
    const second = await sealSlice(key, { recordingId: id, slice: 1 }, [output(5, 'deleted\r\n')], Buffer.from(first.hash, 'hex'));
    expect((await put(`/recordings/${id}/slices/1`, second)).status).toBe(409);
    expect((await put(`/recordings/${id}/slices/0`, { ...first, hash: '1'.repeat(64) })).status).toBe(422);
    expect((await put(`/recordings/${id}/slices/0`, first)).status).toBe(204);
    expect((await put(`/recordings/${id}/slices/0`, first)).status).toBe(204);
    expect((await put(`/recordings/${id}/slices/0`, second)).status).toBe(409);
    const elsewhere = await sealSlice(key, { recordingId: id, slice: 1 }, [output(5, 'x')], null);
    expect((await put(`/recordings/${id}/slices/1`, elsewhere)).status).toBe(422);
    const moved = await sealSlice(key, { recordingId: id, slice: 7 }, [output(5, 'x')], Buffer.from(first.hash, 'hex'));
    expect((await put(`/recordings/${id}/slices/1`, moved)).status).toBe(422);
    const end = { at: new Date(BEGAN + 9000).toISOString(), slices: 2, hash: second.hash };
    expect((await put(`/recordings/${id}`, { ...facts, end })).status).toBe(409);
    expect((await put(`/recordings/${id}/slices/1`, second)).status).toBe(204);
    expect((await put(`/recordings/${id}`, { ...facts, end })).status).toBe(204);
    expect((await put(`/recordings/${id}`, { ...facts, end })).status).toBe(204);

    const auditor = api(await addUser(site.tenant, ['auditor']));
    const shown = read(await auditor.get(`/recordings/${id}`), recording);
    expect(shown).toMatchObject({ state: 'finished', slices: 2, hash: second.hash, person: { id: site.dev.id }, key: { kind: 'managed' } });
    const { items } = read(await auditor.get(`/recordings?person=${site.dev.id}&workspace=${facts.workspaceId}`), recordingList);
    expect(items.map((each) => each.id)).toEqual([id]);
    expect(read(await auditor.get('/recordings?until=2025-01-01T00:00:00.000Z'), recordingList).items).toEqual([]);

    expect((await auditor.get(`/recordings/${id}/slices?n=0`)).status).toBe(409);
    expect((await auditor.post(`/recordings/${id}/watch`, { purpose: 'watch' })).status).toBe(200);
    const { opened } = read(await auditor.get(`/recordings/${id}/slices?n=0`), recordingSlice);
    const events = unpackEvents(new Uint8Array(Buffer.from(opened ?? '', 'base64url')));
    expect(events).toMatchObject([begin, { kind: 'output', time: BEGAN + 1000 }]);

    const { items: matches } = read(await auditor.get('/recordings/search?q=delete%20pod'), recordingMatches);
    expect(matches).toMatchObject([{ recording: { id }, at: 1000, text: '$ kubectl delete pod api-7' }]);
    expect(read(await auditor.get('/recordings/search?q=%22%20OR%20x'), recordingMatches).items).toEqual([]);
    const other = await makeSite();
    expect(read(await api(other.tenant.owner).get('/recordings/search?q=kubectl'), recordingMatches).items).toEqual([]);

    const actions = (await eventsOf(site.tenant)).map(({ action }) => action).filter((action) => action.startsWith('recording.'));
    expect(actions).toEqual(['recording.start', 'recording.finish', 'recording.watch', 'recording.search', 'recording.search']);
    expect((await owner.delete(`/recordings/${id}`)).status).toBe(204);
    expect((await auditor.get(`/recordings/${id}`)).status).toBe(404);
  });

  it('go when they are kept for long enough, with their slices and their text', async () => {
    const { site, owner, key, id, put, facts } = await setUp();
    await put(`/recordings/${id}`, facts);
    const slice = await sealSlice(key, { recordingId: id, slice: 0 }, [output(1, 'secret-word\r\n')], null);
    await put(`/recordings/${id}/slices/0`, slice);
    await put(`/recordings/${id}`, { ...facts, end: { at: new Date(BEGAN).toISOString(), slices: 1, hash: slice.hash } });
    expect((await owner.put('/recording-settings', { retentionDays: 30 }, { 'If-Match': '"0"' })).status).toBe(200);
    const at = (time: string) => ({ ...services(), now: () => new Date(time) });
    await sweepRecordings(at('2026-01-20T10:00:00.000Z'));
    expect((await owner.get(`/recordings/${id}`)).status).toBe(200);
    await sweepRecordings(at('2026-02-20T10:00:00.000Z'));
    expect((await owner.get(`/recordings/${id}`)).status).toBe(404);
    expect(await env.RECORDINGS.get(`${site.tenant.id}/${id}/0`)).toBeNull();
    expect(await services().recordingIndex(site.tenant.id, site.tenant.shard).search('secret-word', 5)).toEqual([]);
    expect((await eventsOf(site.tenant)).at(-1)).toMatchObject({ action: 'recording.delete', actor: { type: 'system' } });
  });

  it('can be sealed to a key that only the organisation holds', async () => {
    const { site, owner, id, put, facts } = await setUp();
    const secret = await makeRecordingKey();
    const settings = read(
      await owner.put('/recording-settings', { retentionDays: 90, publicKey: secret.x }, { 'If-Match': '"0"' }),
      recordingSettings,
    );
    expect(settings.key).toMatchObject({ kind: 'held', publicKey: secret.x });
    const key = { id: settings.key?.id ?? '', publicKey: secret.x };
    expect(await keyOf(site)).toEqual(key);
    await put(`/recordings/${id}`, { ...facts, keyId: key.id });
    const slice = await sealSlice(key, { recordingId: id, slice: 0 }, [output(1, 'whispered\r\n')], null);
    expect((await put(`/recordings/${id}/slices/0`, slice)).status).toBe(204);
    await owner.post(`/recordings/${id}/watch`, { purpose: 'watch' });
    const { sealed, opened } = read(await owner.get(`/recordings/${id}/slices?n=0`), recordingSlice);
    expect(opened).toBeNull();
    const bytes = new Uint8Array(Buffer.from(sealed ?? '', 'base64url'));
    const events = await openSlice(bytes, { recordingId: id, slice: 0 }, await importRecordingKey(secret));
    expect(events).toMatchObject([{ kind: 'output' }]);
    const found = read(await owner.get('/recordings/search?q=whispered'), recordingMatches);
    expect(found).toEqual({ items: [], held: 1 });
    expect((await eventsOf(site.tenant)).find(({ action }) => action === 'recording.policy')?.diff).toMatchObject([
      { path: 'key', new: 'held' },
    ]);
  });

  it('are no other runner’s, and stay while they go on', async () => {
    const { owner, id, put, facts } = await setUp();
    await put(`/recordings/${id}`, facts);
    const other = await makeSite();
    const theirs = await call('PUT', `/runner/recordings/${services().newId('recording')}`, {
      body: facts,
      headers: { Authorization: `Bearer ${other.runner.token}` },
    });
    expect(theirs.status).toBe(404);
    expect((await owner.delete(`/recordings/${id}`)).status).toBe(409);
  });
});
