import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { enrollmentCreated, runnerEnrolled } from '@gatehouse/core/api/runners.ts';
import { makeTemplate, writeAcl } from '../access.ts';
import { BROWSER_KEY, proofHeader } from '../browser-key.ts';
import { insertRecording, sealSlice } from '../recordings.ts';
import { enrollRunner, makeKeys, rotationOf } from '../runners.ts';
import { attachTo, makeRunning, makeSite } from '../site.ts';
import { onDraft } from '../template-versions.ts';
import { addUser, api, read, services, unique } from '../tenants.ts';
import { ensureRecordingKey } from '../../../worker/workspaces/recording-keys.ts';
import { insertRunner, insertTrashed, insertWorkspace } from '../workspaces.ts';
import {
  type RouteCall,
  askedFor,
  groupId,
  idOf,
  ifMatch,
  makeRequest,
  makes,
  makeUser,
  operates,
  own,
  owner,
  owns,
  OPERATOR,
  self,
} from './call.ts';

export const WORKSPACES_CALLS: Record<string, RouteCall> = {
  'POST /templates': {
    leaves: ['template.create'],
    diff: [
      'name',
      'description',
      'icon',
      'startupScript',
      'environment',
      'apps',
      'driver',
      'parameters',
      'branch',
      'stopScript',
      'runnerLabels',
    ],
    call: makes('POST /templates', () => ({
      name: `x-${unique()}`,
      description: 'A box',
      spec: { startupScript: 'true', environment: { TOKEN: 'environment value 4b1d9c' } },
    })),
  },
  'PATCH /templates/:id': {
    leaves: ['template.update'],
    diff: ['description'],
    call: owns('PATCH /templates/:id', makeTemplate, { description: 'Other' }, ifMatch(1)),
  },
  'DELETE /templates/:id': {
    leaves: ['template.delete'],
    diff: ['name', 'description', 'icon'],
    call: owns('DELETE /templates/:id', makeTemplate),
  },
  'POST /templates/:id/versions': {
    leaves: ['template.publish'],
    diff: ['startupScript', 'environment'],
    call: owns('POST /templates/:id/versions', makeTemplate, {
      spec: { startupScript: 'true', environment: { TOKEN: 'environment value 77e0f2' } },
    }),
  },
  'POST /templates/import': {
    leaves: ['template.create'],
    diff: [
      'name',
      'description',
      'icon',
      'startupScript',
      'environment',
      'apps',
      'driver',
      'parameters',
      'branch',
      'stopScript',
      'runnerLabels',
    ],
    call: makes('POST /templates/import', () => ({ file: `gatehouse: template/1\nname: x-${unique()}\n` })),
  },
  'POST /templates/:id/dry-run': { leaves: 'it changes nothing', call: owns('POST /templates/:id/dry-run', makeTemplate, {}) },
  'PATCH /template-versions/:id': {
    leaves: ['template.draft.save'],
    diff: ['startupScript', 'notes'],
    call: onDraft('PATCH /template-versions/:id', { spec: { startupScript: 'make' }, notes: 'Builds with make' }, ifMatch(2)),
  },
  'DELETE /template-versions/:id': { leaves: ['template.draft.discard'], call: onDraft('DELETE /template-versions/:id') },
  'POST /template-versions/:id/publish': {
    leaves: ['template.publish'],
    diff: ['startupScript'],
    call: onDraft('POST /template-versions/:id/publish'),
  },
  'POST /template-versions/:id/deprecate': {
    leaves: ['template.deprecate'],
    call: onDraft('POST /template-versions/:id/deprecate', undefined, {}, ['publish']),
  },
  'POST /template-versions/:id/restore': {
    leaves: ['template.restore'],
    call: onDraft('POST /template-versions/:id/restore', undefined, {}, ['publish', 'deprecate']),
  },
  'POST /template-versions/:id/require': {
    leaves: ['template.require'],
    diff: ['requiredFrom'],
    call: onDraft('POST /template-versions/:id/require', { from: '2030-01-01T00:00:00.000Z' }, {}, ['publish']),
  },
  'PATCH /templates/:id/secrets': {
    leaves: ['template.secrets.update'],
    diff: ['secrets.DEPLOY_KEY'],
    call: owns('PATCH /templates/:id/secrets', makeTemplate, { items: [{ name: 'DEPLOY_KEY', secret: 'template secret 81c4aa' }] }),
  },
  'PUT /templates/:id/acl': {
    leaves: ['template.acl.update'],
    diff: ['acl.everyone'],
    call: owns('PUT /templates/:id/acl', makeTemplate, { items: [{ subject: { type: 'everyone' }, role: 'use' }] }, ifMatch(1)),
  },
  'PUT /templates/:id/policy': {
    leaves: ['policy.update'],
    diff: ['upload'],
    call: owns('PUT /templates/:id/policy', makeTemplate, { values: { upload: 20 } }, ifMatch(0)),
  },

  'POST /access/preview': {
    leaves: 'it changes nothing',
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /access/preview', { kind: 'delete-group', groupId: await groupId(tenant) }), null);
    },
  },
  'POST /access-requests': {
    leaves: ['access_request.create'],
    call: self(async (person, tenant, ask) => {
      const templateId = await makeTemplate(tenant);
      await writeAcl(tenant, templateId, [{ subject: { type: 'everyone' }, role: 'view', expiresAt: null }]);
      const answer = await ask(person, 'POST /access-requests', { templateId, hours: 8, reason: 'On call' });
      return { answer, on: idOf(answer) };
    }),
  },
  'POST /access-requests/:id/decision': {
    leaves: ['access_request.approve'],
    call: owns('POST /access-requests/:id/decision', askedFor, { decision: 'approve' }),
  },
  'POST /access-requests/:id/decision (deny)': {
    leaves: ['access_request.deny'],
    call: owns('POST /access-requests/:id/decision', askedFor, { decision: 'deny', note: 'Not now' }),
  },
  'POST /access-requests/:id/withdraw': {
    leaves: ['access_request.withdraw'],
    call: self(async (person, tenant, ask) => {
      const id = await makeRequest(tenant, person);
      return { answer: await ask(person, `POST /access-requests/${id}/withdraw`), on: id };
    }),
  },
  'POST /notices/seen': {
    leaves: 'it says only that somebody has looked',
    call: self((person, _tenant, ask) => ask(person, 'POST /notices/seen')),
  },

  'PUT /tenant/quota': {
    leaves: ['tenant.quota'],
    diff: ['running'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const { headers } = await api(by).get('/tenant/quota');
      const values = { workspaces: null, running: 900 + Number.parseInt(unique().slice(0, 2), 16) };
      return own(by, await ask(by, 'PUT /tenant/quota', values, { 'If-Match': headers.get('ETag') ?? '' }), tenant.id);
    },
  },
  'PUT /groups/:id/quota': {
    leaves: ['group.quota'],
    diff: ['workspaces'],
    call: owns('PUT /groups/:id/quota', groupId, { workspaces: 5, running: null }, ifMatch(0)),
  },
  'PUT /users/:id/quota': {
    leaves: ['user.quota'],
    diff: ['workspaces', 'running'],
    call: owns('PUT /users/:id/quota', makeUser, { workspaces: 5, running: 2 }, ifMatch(0)),
  },
  'POST /quotas/preview': {
    leaves: 'it changes nothing',
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(
        by,
        await ask(by, 'POST /quotas/preview', { subject: { type: 'tenant' }, values: { workspaces: 1, running: null } }),
        null,
      );
    },
  },
  'PATCH /runners/:id': {
    leaves: ['runner.update'],
    diff: ['capacity'],
    call: owns('PATCH /runners/:id', insertRunner, { capacity: 10 }),
  },
  'POST /runners/:id/drain': {
    leaves: ['runner.drain'],
    diff: ['drain', 'until'],
    call: owns('POST /runners/:id/drain', insertRunner, { until: '2099-01-01T00:00:00.000Z' }),
  },
  'DELETE /runners/:id/drain': {
    leaves: ['runner.drain.lift'],
    diff: ['drain'],
    call: owns('DELETE /runners/:id/drain', async (tenant) => {
      const id = await insertRunner(tenant);
      await api(tenant.owner).post(`/runners/${id}/drain`, { until: null });
      return id;
    }),
  },
  'POST /runners/:id/revoke': { leaves: ['runner.revoke'], call: owns('POST /runners/:id/revoke', insertRunner) },
  'DELETE /runners/:id': { leaves: ['runner.remove'], call: owns('DELETE /runners/:id', insertRunner) },
  'POST /runners/:id/confirm': {
    leaves: ['runner.confirm'],
    call: async (tenant, ask) => {
      const { id, fingerprint } = await enrollRunner(tenant, { confirm: false });
      const by = await owner(tenant);
      return own(by, await ask(by, `POST /runners/${id}/confirm`, { fingerprint }), id);
    },
  },
  'POST /runner-enrollments': {
    leaves: ['runner.enrollment.create'],
    call: async (tenant, ask) => ({ ...(await makes('POST /runner-enrollments', () => ({ name: 'runner' }))(tenant, ask)), on: null }),
  },
  'POST /runner/keys': {
    leaves: ['runner.rotate_key'],
    diff: ['fingerprint'],
    call: async (tenant, ask) => {
      const runner = await enrollRunner(tenant);
      const { rotation } = await rotationOf(runner);
      const answer = await ask(null, 'POST /runner/keys', rotation, { Authorization: `Bearer ${runner.token}` });
      return { answer, on: runner.id, by: { type: 'runner', id: runner.id }, sessionId: null };
    },
  },
  'POST /runner/enroll': {
    leaves: ['runner.enroll'],
    call: async (tenant, ask) => {
      const { code } = read(await api(tenant.owner).post('/runner-enrollments', {}), enrollmentCreated);
      const { identityKey, agreementKey } = await makeKeys();
      const body = { code, name: `runner-${unique()}`, identityKey, agreementKey, version: '0.1.0', platform: 'linux-x64' };
      const answer = await ask(null, 'POST /runner/enroll', body);
      const { runnerId } = read(answer, runnerEnrolled);
      return { answer, on: runnerId, by: { type: 'runner', id: runnerId }, sessionId: null };
    },
  },

  'POST /workspaces': {
    leaves: ['workspace.create'],
    call: async (_tenant, ask) => {
      const { tenant, dev, templateId } = await makeSite();
      const answer = await ask(dev, 'POST /workspaces', { templateId, name: 'box' });
      return { ...own(dev, answer, idOf(answer)), db: tenant.db };
    },
  },
  'DELETE /workspaces/:id': { leaves: ['workspace.delete'], call: owns('DELETE /workspaces/:id', insertWorkspace) },
  'POST /workspaces/:id/transfer': {
    leaves: ['workspace.transfer'],
    diff: ['owner'],
    call: async (tenant, ask) => {
      const [id, heir, by] = [await insertWorkspace(tenant), await addUser(tenant), await owner(tenant)];
      return own(by, await ask(by, `POST /workspaces/${id}/transfer`, { userId: heir.id }), id);
    },
  },
  'PATCH /workspaces/:id': {
    leaves: ['workspace.rename'],
    diff: ['name'],
    call: owns('PATCH /workspaces/:id', insertWorkspace, { name: 'renamed' }),
  },
  'POST /workspaces/:id/restart': { leaves: ['workspace.restart'], call: owns('POST /workspaces/:id/restart', insertWorkspace) },
  'POST /workspaces/:id/restore': {
    leaves: ['workspace.restore'],
    call: owns('POST /workspaces/:id/restore', insertTrashed, {}),
  },
  'POST /workspaces/:id/purge': { leaves: ['workspace.purge'], call: owns('POST /workspaces/:id/purge', insertTrashed) },
  'POST /workspaces/:id/start': { leaves: ['workspace.start'], call: owns('POST /workspaces/:id/start', insertWorkspace) },
  'POST /workspaces/:id/stop': {
    leaves: ['workspace.stop'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      return { ...own(site.dev, await ask(site.dev, `POST /workspaces/${id}/stop`), id), db: site.tenant.db };
    },
  },
  'POST /workspaces/:id/postpone': {
    leaves: ['workspace.postpone'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      return { ...own(site.dev, await ask(site.dev, `POST /workspaces/${id}/postpone`, { why: 'idle' }), id), db: site.tenant.db };
    },
  },
  'POST /workspaces/:id/update': {
    leaves: ['workspace.update'],
    diff: ['version'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { startupScript: 'true' } });
      return { ...own(site.dev, await ask(site.dev, `POST /workspaces/${id}/update`, {}), id), db: site.tenant.db };
    },
  },
  'POST /workspaces/:id/attach': {
    leaves: ['connection.open'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const path = `/workspaces/${(await makeRunning(site)).id}/attach`;
      const headers = { 'Sec-Fetch-Site': 'same-origin', ...(await proofHeader('POST', path)) };
      const answer = await ask(site.dev, `POST ${path}`, { key: BROWSER_KEY }, headers);
      const on = String((answer.body as { connectionId?: unknown }).connectionId);
      return { ...own(site.dev, answer, on), db: site.tenant.db };
    },
  },

  'POST /me/blocked-acts': {
    leaves: ['connection.block'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const answer = await attachTo(site.dev, (await makeRunning(site)).id);
      const { connectionId } = read(answer, attachment);
      const told = await ask(site.dev, 'POST /me/blocked-acts', { connectionId, acts: [{ act: 'copy', count: 2, bytes: 10 }] });
      return { ...own(site.dev, told, connectionId), db: site.tenant.db };
    },
  },
  'POST /workspaces/:id/apps/:app/open': {
    leaves: ['port.open'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const path = `/workspaces/${(await makeRunning(site)).id}/apps/8000/open`;
      const headers = { 'Sec-Fetch-Site': 'same-origin', ...(await proofHeader('POST', path)) };
      const answer = await ask(site.dev, `POST ${path}`, undefined, headers);
      const on = String((answer.body as { connectionId?: unknown }).connectionId);
      return { ...own(site.dev, answer, on), db: site.tenant.db };
    },
  },
  'POST /recordings/:id/watch': {
    leaves: ['recording.watch'],
    call: owns('POST /recordings/:id/watch', insertRecording, { purpose: 'watch' }),
  },
  'DELETE /recordings/:id': { leaves: ['recording.delete'], call: owns('DELETE /recordings/:id', insertRecording) },
  'PUT /recording-settings': {
    leaves: ['recording.policy'],
    diff: ['retentionDays'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'PUT /recording-settings', { retentionDays: 30 }, ifMatch(0)), null);
    },
  },
  'PUT /runner/recordings/:id': {
    leaves: ['recording.start'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { db } = site.tenant;
      const { id: workspaceId } = await makeRunning(site);
      const key = await ensureRecordingKey({ ...services(), db });
      const id = services().newId('recording');
      const facts = { workspaceId, terminalId: 'one', title: 'Terminal 1', keyId: key.id, startedAt: new Date().toISOString(), end: null };
      const answer = await ask(null, `PUT /runner/recordings/${id}`, facts, { Authorization: `Bearer ${site.runner.token}` });
      return { answer, on: id, by: { type: 'runner', id: site.runner.id }, sessionId: null, db };
    },
  },
  'PUT /runner/recordings/:id/slices/:n': {
    leaves: 'it is a part of what recording.start and recording.finish, which names the hash of the last, are about',
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { id: workspaceId } = await makeRunning(site);
      const key = await ensureRecordingKey({ ...services(), db: site.tenant.db });
      const id = services().newId('recording');
      const headers = { Authorization: `Bearer ${site.runner.token}` };
      const facts = { workspaceId, terminalId: 'one', title: 'Terminal 1', keyId: key.id, startedAt: new Date().toISOString(), end: null };
      await ask(null, `PUT /runner/recordings/${id}`, facts, headers);
      const begin = { time: 0, kind: 'begin' as const, cols: 80, rows: 24, title: 'Terminal 1' };
      const slice = await sealSlice(key, { recordingId: id, slice: 0 }, [begin], null);
      const answer = await ask(null, `PUT /runner/recordings/${id}/slices/0`, slice, headers);
      return { answer, on: null, by: { type: 'runner', id: site.runner.id }, sessionId: null, db: site.tenant.db };
    },
  },

  'POST /operator/keys/rotate': {
    leaves: 'an event for each data key that another key wraps (test/worker/platform/secrets.test.ts); here the current one wraps all',
    call: async (tenant, ask) => ({
      answer: await ask(null, 'POST /operator/keys/rotate', undefined, OPERATOR),
      ...{ on: null, db: tenant.db, by: { type: 'operator', id: null }, sessionId: null },
    }),
  },
  'POST /operator/tenants/:id/suspend': { leaves: ['tenant.suspend'], call: operates('suspend', { reason: 'Unpaid' }) },
  'POST /operator/tenants/:id/activate': { leaves: ['tenant.activate'], call: operates('activate') },
};
