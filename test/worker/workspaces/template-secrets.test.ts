import { describe, expect, test } from 'vitest';
import { templateSecretList } from '@gatehouse/core/api/template-secrets.ts';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import { everything, findings, objectIds } from '../../support/planted.ts';
import { makeRunning, makeSite } from '../../support/site.ts';
import { api, eventOfAnswer, eventsOf, problem, read, unique } from '../../support/tenants.ts';

describe('a template’s secret', () => {
  test('reaches the runner with an order to run, and lies readable nowhere', async () => {
    const before = await objectIds();
    const site = await makeSite();
    const text = `planted secret ${unique()}`;
    const owner = api(site.tenant.owner);
    const path = `/templates/${site.templateId}/secrets`;
    const answer = await owner.patch(path, { items: [{ name: 'DEPLOY_KEY', secret: text }] });
    expect(read(answer, templateSecretList).items).toMatchObject([{ name: 'DEPLOY_KEY', setBy: site.tenant.owner.name }]);
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      ...{ action: 'template.secrets.update', details: { set: 'DEPLOY_KEY', removed: '' } },
      diff: [{ path: 'secrets.DEPLOY_KEY', old: null, new: null, secret: true }],
    });
    const { id, order } = await makeRunning(site);
    expect(order).toMatchObject({ order: { secrets: { DEPLOY_KEY: text } } });
    expect(JSON.stringify(order.kind === 'order' && order.order.spec)).not.toContain(text);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    const stop = await site.control.until((message) => message.kind === 'order' && message.order.generation === 2);
    expect(JSON.stringify(stop)).not.toContain(text);
    for (const shown of [path, `/templates/${site.templateId}`, `/templates/${site.templateId}/versions`, `/workspaces/${id}`])
      expect(JSON.stringify((await owner.get(shown)).body)).not.toContain(text);
    expect(JSON.stringify(await eventsOf(site.tenant))).not.toContain(text);
    expect(findings([{ kind: 'secret', text }], await everything(before))).toEqual([]);
  });

  test('is replaced and removed by its name; one that is not there can’t be removed', async () => {
    const site = await makeSite();
    const change = (secret: string | null) =>
      api(site.tenant.owner).patch(`/templates/${site.templateId}/secrets`, { items: [{ name: 'KEY', secret }] });
    await change('first value');
    expect((await change('second value')).status).toBe(200);
    const { order } = await makeRunning(site);
    expect(order).toMatchObject({ order: { secrets: { KEY: 'second value' } } });
    expect(read(await change(null), templateSecretList).items).toEqual([]);
    expect(problem(await change(null)).errors).toEqual([{ path: 'items.0.name', message: 'is not there' }]);
  });

  test('is for its administrators to set, and nobody with “use” sees even its name', async () => {
    const site = await makeSite();
    const answer = await api(site.dev).get(`/templates/${site.templateId}/secrets`);
    expect(answer.status).toBe(403);
  });
});

describe('a runner', () => {
  test('takes a workspace only with the labels that the version needs, and the refusal names them', async () => {
    const site = await makeSite();
    const publish = (runnerLabels: object) =>
      api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { runnerLabels } });
    const create = (name: string) => api(site.dev).post('/workspaces', { templateId: site.templateId, name });
    await publish({ gpu: 'a100' });
    const answer = await create('one');
    expect(answer.status).toBe(409);
    expect(problem(answer).detail).toContain('has the label gpu=a100');
    await publish({});
    expect(read(await create('two'), workspaceSchema).name).toBe('two');
  });

  test('is told the branch with the parameter in its place', async () => {
    const site = await makeSite();
    const parameters = [{ type: 'text', name: 'branch', label: 'Branch', default: 'main' }];
    const spec = { repository: 'https://git.example.org/app.git', branch: '${{ parameter.branch }}', parameters };
    await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec });
    await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'one', parameters: { branch: 'release/2' } });
    expect(await site.control.until((message) => message.kind === 'order')).toMatchObject({ order: { spec: { branch: 'release/2' } } });
    const bad = await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, {
      spec: { ...spec, branch: '--upload-pack=x' },
    });
    expect(problem(bad).errors?.[0]).toEqual({ path: 'spec.branch', message: 'must be the name of a branch or tag, without spaces' });
  });
});
