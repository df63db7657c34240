import { describe, expect, test } from 'vitest';
import { dryRun } from '@gatehouse/core/api/template-dry-run.ts';
import { STARTERS } from '@gatehouse/core/api/template-starters.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import { makeSite } from '../../support/site.ts';
import { api, call, eventOfAnswer, eventsOf, mintTenant, problem, read } from '../../support/tenants.ts';

describe('a template as a file', () => {
  test('is exported by its administrators, without what is secret, and imported under another name', async () => {
    const site = await makeSite();
    const owner = api(site.tenant.owner);
    const spec = { startupScript: 'npm ci', parameters: [{ type: 'bool', name: 'debug', label: 'Debug', default: false }] };
    await owner.post(`/templates/${site.templateId}/versions`, { spec });
    await owner.patch(`/templates/${site.templateId}/secrets`, { items: [{ name: 'KEY', secret: 'never exported' }] });
    const exported = await call('GET', `/templates/${site.templateId}/export`, { cookie: site.tenant.owner.cookie });
    expect(exported.headers.get('Content-Disposition')).toContain('shell.yaml');
    const file = String(exported.body);
    expect(file).toContain('KEY');
    expect(file).not.toContain('never exported');
    const answer = await owner.post('/templates/import', { file, name: 'copy' });
    expect(answer.status).toBe(201);
    expect(read(answer, templateDetail)).toMatchObject({ name: 'copy', spec });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'template.create', resource: { name: 'copy' } });
    expect((await api(site.dev).get(`/templates/${site.templateId}/export`)).status).toBe(403);
  });

  test('is refused with field and line, and nothing is made', async () => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).post('/templates/import', { file: 'gatehouse: template/1\nname: x1\nspec:\n  driver: vm\n' });
    expect(answer.status).toBe(422);
    expect(problem(answer).errors?.[0]?.path).toBe('spec.driver');
    expect(problem(answer).errors?.[0]?.message).toContain('(line 4)');
  });
});

describe('a dry run', () => {
  test('says who takes it, what is cloned, with which values, for whom, and makes nothing', async () => {
    const site = await makeSite();
    const events = (await eventsOf(site.tenant)).length;
    const spec = {
      ...{ repository: 'https://git.example.org/app.git', branch: '${{ parameter.branch }}', runnerLabels: { gpu: 'a100' } },
      parameters: [{ type: 'text', name: 'branch', label: 'Branch', required: true }],
    };
    const ask = (body: object, as = site.tenant.owner) => api(as).post(`/templates/${site.templateId}/dry-run`, body);
    const run = read(await ask({ spec, parameters: { branch: 'next' } }), dryRun);
    expect(run).toMatchObject({
      ...{ clone: { repository: 'https://git.example.org/app.git', branch: 'next' }, faults: [], people: 2 },
      runners: { ready: 0, items: [{ lacks: ['it does not have the label gpu=a100'] }] },
      parameters: [{ name: 'branch', variable: 'GATEHOUSE_PARAM_BRANCH', value: 'next' }],
      warnings: ['No runner that is online can take it now.'],
    });
    expect(read(await ask({ spec }), dryRun).faults).toEqual([{ path: 'parameters.branch', message: 'must be given' }]);
    const mine = read(await ask({}, site.dev), dryRun);
    expect(mine).toMatchObject({ runners: { ready: 1, items: [] }, people: null });
    expect((await eventsOf(site.tenant)).length).toBe(events);
    expect((await ask({ spec }, site.dev)).status).toBe(403);
  });
});

describe('what a new template can begin with', () => {
  test.each(STARTERS.map((starter) => [starter.label, starter] as const))('%s is taken as it is', async (_label, { template }) => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).post('/templates', template)).status).toBe(201);
  });
});
