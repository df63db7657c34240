import { expect, test } from 'vitest';
import { chosenIdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import type { ToRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { attachTo, makeRunning, makeSite } from '../../support/site.ts';
import { addSession, addUser, api, eventOfAnswer, eventsOf, mintTenant, problem, read } from '../../support/tenants.ts';

const ifMatch = (etag: string | null) => ({ 'If-Match': etag ?? '' });
const DOTFILES = { repository: 'https://git.example/me/dotfiles', branch: '', command: '' };

test('are nothing at first, then what somebody chose, in every session of theirs and in nobody else’s', async () => {
  const tenant = await mintTenant();
  const dev = await addUser(tenant);
  const first = await api(dev).get('/me/ide-settings');
  expect(read(first, chosenIdeSettings)).toEqual({});
  const chosen = { keymap: 'vim', keys: { save: ['Ctrl Alt S'] } };
  const put = await api(dev).put('/me/ide-settings', chosen, ifMatch(first.headers.get('ETag')));
  expect(await eventOfAnswer(tenant, put)).toMatchObject({
    action: 'ide_settings.update',
    resource: { id: dev.id },
    diff: [
      { path: 'keymap', old: null, new: 'vim' },
      { path: 'keys', old: null, new: { save: ['Ctrl Alt S'] } },
    ],
  });
  const elsewhere = await api(await addSession(tenant, dev.id)).get('/me/ide-settings');
  expect(read(elsewhere, chosenIdeSettings)).toEqual(chosen);
  expect(elsewhere.headers.get('ETag')).toBe(put.headers.get('ETag'));
  expect(read(await api(tenant.owner).get('/me/ide-settings'), chosenIdeSettings)).toEqual({});
});

test('are not written over what another browser chose meanwhile', async () => {
  const dev = await addUser(await mintTenant());
  const seen = (await api(dev).get('/me/ide-settings')).headers.get('ETag');
  await api(dev).put('/me/ide-settings', { tabSize: 4 }, ifMatch(seen));
  expect(problem(await api(dev).put('/me/ide-settings', { tabSize: 8 }, ifMatch(seen))).code).toBe('stale-version');
  expect(problem(await api(dev).put('/me/ide-settings', { tabSize: 8 })).code).toBe('precondition-required');
  expect(read(await api(dev).get('/me/ide-settings'), chosenIdeSettings)).toEqual({ tabSize: 4 });
});

test.each([
  ['a setting that there is not', { colour: 'red' }],
  ['a value out of its bounds', { tabSize: 90 }],
  ['more keys than there are actions', { keys: Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`a${i}`, []])) }],
  ['dotfiles by SSH', { dotfiles: { ...DOTFILES, repository: 'git@git.example:me/dotfiles' } }],
  ['dotfiles with a password in the address', { dotfiles: { ...DOTFILES, repository: 'https://me:pw@git.example/dotfiles' } }],
  ['a branch that git would take for an option', { dotfiles: { ...DOTFILES, branch: '--upload-pack=evil' } }],
])('refuse %s', async (_what, settings) => {
  const dev = await addUser(await mintTenant());
  const answer = await api(dev).put('/me/ide-settings', settings, ifMatch('"0"'));
  expect(problem(answer).code).toBe('invalid');
});

test('dotfiles go with the order of a home that nobody has opened, of their owner’s workspaces alone', async () => {
  const site = await makeSite();
  await api(site.dev).put('/me/ide-settings', { dotfiles: DOTFILES }, ifMatch('"0"'));
  const { id, order } = await makeRunning(site);
  const dotfilesOf = (message: ToRunner) => (message.kind === 'order' ? message.order.dotfiles : null);
  expect(dotfilesOf(order)).toEqual(DOTFILES);
  await attachTo(site.dev, id);
  await api(site.dev).post(`/workspaces/${id}/restart`);
  const again = await site.control.until((message) => message.kind === 'order' && message.order.generation > 1);
  expect(dotfilesOf(again)).toBeUndefined();
});

test('what a page kept somebody from doing stands in the log, marked as told by the page, and only of their own connection', async () => {
  const site = await makeSite();
  const { id } = await makeRunning(site);
  const { connectionId } = read(await attachTo(site.dev, id), attachment);
  const acts = [{ act: 'copy', count: 3, bytes: 900 }];
  const told = await api(site.dev).post('/me/blocked-acts', { connectionId, acts });
  expect(told.status).toBe(204);
  expect(await eventOfAnswer(site.tenant, told)).toMatchObject({
    action: 'connection.block',
    outcome: 'success',
    resource: { id: connectionId },
    workspaceId: id,
    sessionId: site.dev.sessionId,
    details: { act: 'copy', count: 3, bytes: 900, toldBy: 'page' },
  });
  expect(problem(await api(site.tenant.owner).post('/me/blocked-acts', { connectionId, acts })).code).toBe('not-found');
  const answers = await Promise.all(Array.from({ length: 12 }, () => api(site.dev).post('/me/blocked-acts', { connectionId, acts })));
  expect(answers.map(({ status }) => status)).toContain(429);
  const events = (await eventsOf(site.tenant)).filter(({ action }) => action === 'connection.block');
  expect(events.length).toBeLessThanOrEqual(11);
});
