import { describe, expect, test } from 'vitest';
import { templateDetail, templateVersion, templateVersionList, versionDiff } from '@gatehouse/core/api/templates.ts';
import { workspace as workspaceSchema, workspaceList } from '@gatehouse/core/api/workspaces.ts';
import { workspaceUpdateOffer } from '@gatehouse/core/api/workspace-updates.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { makeRunning, makeSite, type Site } from '../../support/site.ts';
import { makeDraft } from '../../support/template-versions.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read } from '../../support/tenants.ts';

const versionsOf = async (site: { tenant: Site['tenant'] }, templateId: string) =>
  read(await api(site.tenant.owner).get(`/templates/${templateId}/versions`), templateVersionList).items;
const publish = async ({ tenant, templateId }: Site, spec: object, more: object = {}) =>
  read(await api(tenant.owner).post(`/templates/${templateId}/versions`, { spec, ...more }), templateVersion);
const create = (site: Site, body: object = {}, as = site.dev) =>
  api(as).post('/workspaces', { templateId: site.templateId, name: 'box', ...body });
const reportOf = (workspaceId: string, generation: number, phase: 'running' | 'stopped') => ({
  ...{ kind: 'report' as const, report: generation, time: new Date().toISOString() },
  body: { workspaceId, generation, phase },
});
/** A stopped workspace of the developer's. */
async function makeStopped(site: Site): Promise<string> {
  const { id } = await makeRunning(site);
  await api(site.dev).post(`/workspaces/${id}/stop`);
  site.tell(reportOf(id, 2, 'stopped'));
  await site.control.until((message) => message.kind === 'stored' && message.report === 2);
  return id;
}
const shown = async (site: Site, id: string) => read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema);
const region = { type: 'choice', name: 'region', label: 'Region', options: ['eu', 'us'] };

describe('a draft', () => {
  test('is not what new workspaces use until it is published', async () => {
    const tenant = await mintTenant();
    const { id, templateId } = await makeDraft(tenant);
    const owner = api(tenant.owner);
    expect(read(await owner.get(`/templates/${templateId}`), templateDetail)).toMatchObject({ version: { number: 1 } });
    const answer = await owner.post(`/template-versions/${id}/publish`);
    expect(read(answer, templateVersion)).toMatchObject({ number: 2, state: 'published' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'template.publish', details: { version: 2 } });
    expect(read(await owner.get(`/templates/${templateId}`), templateDetail)).toMatchObject({ version: { number: 2 } });
  });

  test('can be changed as it was seen; a published version can’t', async () => {
    const tenant = await mintTenant();
    const { id, templateId } = await makeDraft(tenant);
    const owner = api(tenant.owner);
    const change = (revision: number, body: object) => owner.patch(`/template-versions/${id}`, body, { 'If-Match': `"${revision}"` });
    expect((await change(1, { spec: {} })).status).toBe(412);
    expect(read(await change(2, { spec: { startupScript: 'make' }, notes: 'Faster' }), templateVersion)).toMatchObject({
      spec: { startupScript: 'make' },
      notes: 'Faster',
    });
    await owner.post(`/template-versions/${id}/publish`);
    expect((await change(4, { spec: {} })).status).toBe(409);
    expect((await change(4, { notes: 'Also quieter' })).status).toBe(200);
    expect((await versionsOf({ tenant }, templateId))[0]).toMatchObject({ notes: 'Also quieter' });
  });

  test('there is one at a time, and it can be discarded', async () => {
    const tenant = await mintTenant();
    const { id, templateId } = await makeDraft(tenant);
    const second = await api(tenant.owner).post(`/templates/${templateId}/versions`, { spec: {} });
    expect(second.status).toBe(409);
    expect(problem(second).detail).toContain('Version 2 is a draft');
    const answer = await api(tenant.owner).delete(`/template-versions/${id}`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'template.draft.discard' });
    expect((await versionsOf({ tenant }, templateId)).map(({ number }) => number)).toEqual([1]);
  });

  test('is tried by administrators in a workspace that says so, and by nobody else', async () => {
    const site = await makeSite();
    const draft = await publish(site, { startupScript: 'make' }, { state: 'draft' });
    const refused = await create(site, { versionId: draft.id });
    expect(refused.status).toBe(403);
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({ action: 'workspace.create', outcome: 'denied' });
    const made = read(await create(site, { versionId: draft.id }, site.tenant.owner), workspaceSchema);
    expect(made).toMatchObject({ template: { version: 2, state: 'draft' }, update: null });
    expect((await api(site.tenant.owner).delete(`/template-versions/${draft.id}`)).status).toBe(409);
  });
});

describe('a deprecated version', () => {
  test('is not for new workspaces, which get the newest that is left', async () => {
    const site = await makeSite();
    const second = await publish(site, { startupScript: 'make' });
    const answer = await api(site.tenant.owner).post(`/template-versions/${second.id}/deprecate`);
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'template.deprecate', details: { version: 2 } });
    expect((await create(site, { versionId: second.id })).status).toBe(409);
    expect(read(await create(site), workspaceSchema).template.version).toBe(1);
    const restored = await api(site.tenant.owner).post(`/template-versions/${second.id}/restore`);
    expect(read(restored, templateVersion).state).toBe('published');
    expect(read(await api(site.dev).get(`/templates/${site.templateId}`), templateDetail).version.number).toBe(2);
  });

  test('can’t be the last that is published', async () => {
    const site = await makeSite();
    const [only] = await versionsOf(site, site.templateId);
    const answer = await api(site.tenant.owner).post(`/template-versions/${only?.id}/deprecate`);
    expect(answer.status).toBe(409);
    expect(problem(answer).detail).toContain('only published version');
  });
});

describe('two versions', () => {
  test('are compared field by field, and environment values are not told', async () => {
    const site = await makeSite();
    await publish(site, { startupScript: 'make', environment: { KEY: 'planted value' } });
    const answer = await api(site.tenant.owner).get(`/templates/${site.templateId}/diff?from=1&to=2`);
    expect(read(answer, versionDiff).changes).toEqual([
      { path: 'startupScript', old: '', new: 'make', secret: false },
      { path: 'environment', old: null, new: null, secret: true },
    ]);
    expect(JSON.stringify(answer.body)).not.toContain('planted value');
    const none = await api(site.tenant.owner).get(`/templates/${site.templateId}/diff?from=1&to=9`);
    expect(problem(none).errors).toEqual([{ path: 'to', message: 'is no version of this template' }]);
  });
});

describe('a workspace and a newer version', () => {
  test('keeps its own at a start, and says that there is another', async () => {
    const site = await makeSite();
    const id = await makeStopped(site);
    const second = await publish(site, { startupScript: 'make' });
    expect((await shown(site, id)).update).toEqual({ versionId: second.id, number: 2, requiredFrom: null });
    const started = read(await api(site.dev).post(`/workspaces/${id}/start`), workspaceSchema);
    expect(started.template.version).toBe(1);
  });

  test('is shown what would change, updates with a restart, and goes back', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const second = await publish(site, { startupScript: 'make' }, { notes: 'Builds with make' });
    const offer = read(await api(site.dev).get(`/workspaces/${id}/update`), workspaceUpdateOffer);
    expect(offer).toMatchObject({
      ...{ from: { number: 1 }, to: { number: 2, notes: 'Builds with make' } },
      changes: [{ path: 'startupScript', old: '', new: 'make' }],
    });
    const answer = await api(site.dev).post(`/workspaces/${id}/update`, {});
    expect(read(answer, workspaceSchema)).toMatchObject({ phase: 'queued', generation: 2, template: { version: 2 }, update: null });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      ...{ action: 'workspace.update', workspaceId: id, details: { version: 2, restarted: true } },
      diff: [{ path: 'version', old: 1, new: 2 }],
    });
    const order = await site.control.until((message) => message.kind === 'order' && message.order.generation === 2);
    expect(order).toMatchObject({ order: { desired: 'running', spec: { startupScript: 'make' } } });
    const back = await api(site.dev).post(`/workspaces/${id}/update`, { versionId: offer.from.id });
    expect(read(back, workspaceSchema)).toMatchObject({ template: { version: 1 }, update: { versionId: second.id } });
  });

  test('can’t go back to a version that is deprecated', async () => {
    const site = await makeSite();
    const id = await makeStopped(site);
    const first = (await shown(site, id)).template.versionId;
    await publish(site, { startupScript: 'make' });
    await api(site.tenant.owner).post(`/template-versions/${first}/deprecate`);
    await api(site.dev).post(`/workspaces/${id}/update`, {});
    const answer = await api(site.dev).post(`/workspaces/${id}/update`, { versionId: first });
    expect(answer.status).toBe(409);
    expect(problem(answer).detail).toBe('Version 1 is deprecated');
  });

  test('starts as the required one from its time on', async () => {
    const site = await makeSite();
    const id = await makeStopped(site);
    const second = await publish(site, { startupScript: 'make' });
    const ask = (from: string | null) => api(site.tenant.owner).post(`/template-versions/${second.id}/require`, { from });
    const later = '2099-01-01T00:00:00.000Z';
    expect(await eventOfAnswer(site.tenant, await ask(later))).toMatchObject({
      ...{ action: 'template.require', diff: [{ path: 'requiredFrom', old: null, new: later }] },
    });
    expect((await shown(site, id)).update).toMatchObject({ number: 2, requiredFrom: later });
    expect(read(await api(site.dev).post(`/workspaces/${id}/start`), workspaceSchema).template.version).toBe(1);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    await ask('2020-01-01T00:00:00.000Z');
    expect(read(await api(site.dev).post(`/workspaces/${id}/start`), workspaceSchema).template.version).toBe(2);
    const first = (await versionsOf(site, site.templateId)).find(({ number }) => number === 1);
    const back = await api(site.dev).post(`/workspaces/${id}/update`, { versionId: first?.id });
    expect(problem(back).detail).toBe('Version 2 is required by now');
  });

  test('is updated by an administrator of its template, who starts nothing', async () => {
    const site = await makeSite();
    const id = await makeStopped(site);
    await publish(site, { startupScript: 'make' });
    const stranger = await addUser(site.tenant);
    expect((await api(stranger).post(`/workspaces/${id}/update`, {})).status).toBe(404);
    const all = read(await api(site.tenant.owner).get(`/templates/${site.templateId}/workspaces`), workspaceList).items;
    expect(all).toMatchObject([{ id, update: { number: 2 } }]);
    const answer = await api(site.tenant.owner).post(`/workspaces/${id}/update`, {});
    expect(read(answer, workspaceSchema)).toMatchObject({ phase: 'stopped', desired: 'stopped', generation: 2, template: { version: 2 } });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ actor: { id: site.tenant.owner.id }, details: { restarted: false } });
  });
});

describe('parameters', () => {
  const spec = {
    environment: { ENDPOINT: 'https://${{ parameter.region }}.example.org' },
    parameters: [
      { ...region, required: true },
      { type: 'number', name: 'workers', label: 'Workers', min: 1, max: 8, default: 2 },
      { type: 'text', name: 'team', label: 'Team', pattern: '[a-z]+', immutable: true },
    ],
  };

  test('are asked for, checked by their definition, and put into the environment', async () => {
    const site = await makeSite();
    await publish(site, spec);
    const wrong = await create(site, { parameters: { workers: 9, team: 'A', other: 1 } });
    expect(wrong.status).toBe(422);
    expect(problem(wrong).errors).toEqual(
      expect.arrayContaining([
        { path: 'parameters.region', message: 'must be given' },
        { path: 'parameters.workers', message: 'must be at most 8' },
        { path: 'parameters.team', message: 'must match [a-z]+' },
        { path: 'parameters.other', message: 'is no parameter of this version' },
      ]),
    );
    const answer = await create(site, { parameters: { region: 'eu', team: 'core' } });
    expect(read(answer, workspaceSchema).parameters).toEqual({ region: 'eu', workers: 2, team: 'core' });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ diff: [{ path: 'parameters', new: { region: 'eu' } }] });
    const order = await site.control.until((message) => message.kind === 'order');
    expect(order).toMatchObject({
      order: {
        environment: {
          ...{ ENDPOINT: 'https://eu.example.org', GATEHOUSE_PARAM_REGION: 'eu', GATEHOUSE_PARAM_WORKERS: '2' },
          GATEHOUSE_PARAM_TEAM: 'core',
        },
      },
    });
  });

  test('change with an update, except those that can’t', async () => {
    const site = await makeSite();
    await publish(site, spec);
    const { id } = read(await create(site, { parameters: { region: 'eu', team: 'core' } }), workspaceSchema);
    const fixed = await api(site.dev).post(`/workspaces/${id}/update`, { parameters: { team: 'edge' } });
    expect(problem(fixed).errors?.[0]).toEqual({ path: 'parameters.team', message: 'can’t be changed once the workspace is made' });
    const answer = await api(site.dev).post(`/workspaces/${id}/update`, { parameters: { workers: 4 } });
    expect(read(answer, workspaceSchema).parameters).toEqual({ region: 'eu', workers: 4, team: 'core' });
  });

  test('that a required version asks for stop a start, and the answer names them', async () => {
    const site = await makeSite();
    const id = await makeStopped(site);
    const second = await publish(site, spec);
    await api(site.tenant.owner).post(`/template-versions/${second.id}/require`, { from: '2020-01-01T00:00:00.000Z' });
    const answer = await api(site.dev).post(`/workspaces/${id}/start`);
    expect(answer.status).toBe(409);
    expect(problem(answer).errors).toEqual([{ path: 'parameters.region', message: 'must be given' }]);
    expect((await api(site.dev).post(`/workspaces/${id}/update`, { parameters: { region: 'us' } })).status).toBe(202);
    expect((await api(site.dev).post(`/workspaces/${id}/start`)).status).toBe(202);
  });

  test('need a runner whose release understands them', async () => {
    const site = await makeSite();
    await site.tenant.db.batch([statement('UPDATE runners SET understands = NULL WHERE tenant_id = ?', site.tenant.id)]);
    const id = await makeStopped(site);
    await publish(site, { parameters: [region] });
    const answer = await create(site, { name: 'other', parameters: { region: 'eu' } });
    expect(answer.status).toBe(409);
    expect(problem(answer).detail).toContain('understands parameters');
    const update = await api(site.dev).post(`/workspaces/${id}/update`, {});
    expect(problem(update).detail).toContain('does not understand parameters');
  });

  test('are refused where they make no sense, with the field', async () => {
    const site = await makeSite();
    const answer = await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, {
      spec: {
        environment: { X: '${{ parameter.nowhere }}' },
        parameters: [region, { ...region, default: 'mars' }, { type: 'text', name: 'slow', label: 'Slow', pattern: '(a+)+' }],
      },
    });
    expect(problem(answer).errors?.map(({ path }) => path)).toEqual(expect.arrayContaining(['spec.parameters.2.pattern']));
    const second = await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, {
      spec: { environment: { X: '${{ parameter.nowhere }}' }, parameters: [region, { ...region, default: 'mars' }] },
    });
    expect(problem(second).errors?.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['spec.parameters.1.name', 'spec.parameters.1.default', 'spec.environment.X']),
    );
  });
});
