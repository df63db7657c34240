import { beforeAll, describe, expect, test } from 'vitest';
import { me } from '@gatehouse/core/api/identity.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addDirectory, filtered, made, ownDomain, scim, userBody, type Directory, type Scim } from '../../support/scim.ts';
import { addSession, addUser, api, call, eventsOf, mintTenant, read, unique, type Tenant } from '../../support/tenants.ts';

let tenant: Tenant;
let directory: Directory;
let client: Scim;

beforeAll(async () => {
  tenant = await mintTenant();
  directory = await addDirectory(tenant);
  client = scim(directory);
});

const person = (id: string) =>
  tenant.db.first<{ name: string; email: string; state: string; suspended_by: string | null; email_verified_at: string | null }>(
    'SELECT name, email, state, suspended_by, email_verified_at FROM users WHERE tenant_id = ? AND id = ?',
    ...[tenant.id, id],
  );
const lastCall = () =>
  tenant.db.first<{ status: number; outcome: string }>(
    'SELECT status, outcome FROM provisioning_calls WHERE tenant_id = ? AND provider_id = ? ORDER BY id DESC LIMIT 1',
    ...[tenant.id, directory.id],
  );
const actionsOn = async (id: string) => (await eventsOf(tenant)).filter(({ resource }) => resource.id === id).map(({ action }) => action);
const setActive = (id: string, value: unknown) => client.patch(`/Users/${id}`, { op: 'replace', path: 'active', value });

describe('somebody new', () => {
  test('becomes a person of the organisation, without a password, and their address counts as proved in the organisation’s own domain only', async () => {
    await ownDomain(tenant, 'own.test');
    const [at, elsewhere] = [unique(), unique()];
    const answer = await client.post('/Users', userBody(at, { emails: [{ value: `${at}@OWN.test`, primary: true }] }));
    expect(answer.status).toBe(201);
    expect(answer.headers.get('Content-Type')).toContain('application/scim+json');
    expect(answer.headers.get('Location')).toBe(answer.body.meta.location);
    expect(answer.headers.get('ETag')).toBe(answer.body.meta.version);
    expect(answer.body).toMatchObject({
      userName: `${at}@corp.test`,
      active: true,
      displayName: `${at} Doe`,
      meta: { resourceType: 'User' },
    });
    expect(await person(answer.body.id)).toMatchObject({ name: `${at} Doe`, email: `${at}@own.test`, state: 'active' });
    expect((await person(answer.body.id))?.email_verified_at).not.toBeNull();
    const other = await made(client.post('/Users', userBody(elsewhere)));
    expect((await person(other))?.email_verified_at).toBeNull();
    const event = (await eventsOf(tenant)).find(({ resource }) => resource.id === answer.body.id);
    expect(event).toMatchObject({
      action: 'user.provision',
      actor: { type: 'scim-client', id: directory.id, via: 'scim-token' },
      status: 201,
    });
    expect(event?.diff).toContainEqual({ path: 'email', old: null, new: `${at}@own.test`, secret: false });
  });

  test('who comes inactive is suspended from the start', async () => {
    const id = await made(client.post('/Users', userBody(unique(), { active: 'False' })));
    expect(await person(id)).toMatchObject({ state: 'suspended', suspended_by: 'directory' });
    expect((await client.get(`/Users/${id}`)).body.active).toBe(false);
  });

  test('the same again is told whom it clashes with, also of two at once', async () => {
    const name = unique();
    const answers = await Promise.all([client.post('/Users', userBody(name)), client.post('/Users', userBody(name))]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const id: string = answers.find(({ status }) => status === 201)?.body.id;
    const again = await client.post('/Users', userBody(name.toUpperCase()));
    expect(again).toMatchObject({
      status: 409,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '409', scimType: 'uniqueness' },
    });
    expect(again.body.detail).toContain(id);
    expect(await actionsOn(id)).toEqual(['user.provision']);
  });

  test('needs an address', async () => {
    const answer = await client.post('/Users', { userName: unique() });
    expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect((await client.post('/Users', { displayName: 'Nobody' })).status).toBe(400);
  });
});

describe('somebody who is here already', () => {
  test('is not taken over by their address', async () => {
    const here = await addUser(tenant);
    const answer = await client.post('/Users', userBody(unique(), { emails: [{ value: here.email }] }));
    expect(answer).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect(answer.body.detail).toContain('prove the domain');
    expect(await actionsOn(here.id)).toEqual([]);
  });

  test('is linked where the proved domain of the address was given to this directory, and only there', async () => {
    const domain = `${unique()}.test`;
    const other = scim(await addDirectory(tenant));
    const here = await addUser(tenant);
    await tenant.db.batch([statement('UPDATE users SET email = ? WHERE tenant_id = ? AND id = ?', `pat@${domain}`, tenant.id, here.id)]);
    await ownDomain(tenant, domain, directory.id);
    const body = userBody(unique(), { emails: [{ value: `pat@${domain}` }] });
    expect((await other.post('/Users', body)).status).toBe(409);
    expect(await client.post('/Users', body)).toMatchObject({ status: 201, body: { id: here.id } });
    // They are somebody’s now: no other directory gets them.
    expect((await other.post('/Users', body)).body.detail).toContain(directory.name);
  });
});

describe('leaving', () => {
  test('active: false suspends: sessions end at once; active: true lets in again', async () => {
    const id = await made(client.post('/Users', userBody(unique())));
    const { cookie } = await addSession(tenant, id);
    expect((await call('GET', '/me', { cookie })).status).toBe(200);
    const left = await setActive(id, 'False');
    expect(left).toMatchObject({ status: 200, body: { active: false } });
    expect((await call('GET', '/me', { cookie })).status).toBe(401);
    expect(await person(id)).toMatchObject({ state: 'suspended', suspended_by: 'directory' });
    expect(await setActive(id, true)).toMatchObject({ status: 200, body: { active: true } });
    expect(await person(id)).toMatchObject({ state: 'active', suspended_by: null });
    expect(await actionsOn(id)).toEqual(['user.provision', 'user.suspend', 'user.activate']);
  });

  test('the same said twice changes nothing and is no event', async () => {
    const id = await made(client.post('/Users', userBody(unique())));
    const first = await setActive(id, false);
    const second = await setActive(id, false);
    expect(second.headers.get('ETag')).toBe(first.headers.get('ETag'));
    expect(await actionsOn(id)).toEqual(['user.provision', 'user.suspend']);
  });

  test('who was suspended by hand stays so, and the log says why', async () => {
    const id = await made(client.post('/Users', userBody(unique())));
    expect((await api(tenant.owner).post(`/users/${id}/suspend`)).status).toBe(204);
    expect((await setActive(id, true)).body.active).toBe(false);
    await expect.poll(async () => (await lastCall())?.outcome).toContain('by hand');
    expect(await person(id)).toMatchObject({ state: 'suspended', suspended_by: 'hand' });
    expect((await api(tenant.owner).post(`/users/${id}/activate`)).status).toBe(204);
    expect((await client.get(`/Users/${id}`)).body.active).toBe(true);
  });

  test('who was let in by hand is not suspended again by a change of something else', async () => {
    const id = await made(client.post('/Users', userBody(unique(), { active: false })));
    await api(tenant.owner).post(`/users/${id}/activate`);
    expect((await client.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'Engineer' })).body).toMatchObject({
      title: 'Engineer',
      active: true,
    });
    expect((await setActive(id, false)).body.active).toBe(false);
  });

  test('deleted, they are gone for the directory and kept here; created again, they are the same person', async () => {
    const body = userBody(unique());
    const id = await made(client.post('/Users', body));
    expect((await client.delete(`/Users/${id}`)).status).toBe(204);
    expect((await client.get(`/Users/${id}`)).status).toBe(404);
    expect((await client.delete(`/Users/${id}`)).status).toBe(404);
    expect((await client.get(filtered('/Users', `userName eq "${body.userName}"`))).body.totalResults).toBe(0);
    expect(await person(id)).toMatchObject({ state: 'suspended', suspended_by: 'directory' });
    expect(await client.post('/Users', body)).toMatchObject({ status: 201, body: { id, active: true } });
    expect(await person(id)).toMatchObject({ state: 'active' });
  });

  test('the last active owner is not suspended, and the attempt is an event', async () => {
    const domain = tenant.owner.email.split('@')[1] ?? '';
    await ownDomain(tenant, domain, directory.id);
    const id = await made(client.post('/Users', userBody(unique(), { emails: [{ value: tenant.owner.email }] })));
    expect(id).toBe(tenant.owner.id);
    for (const answer of [await setActive(id, false), await client.delete(`/Users/${id}`)]) {
      expect(answer.status).toBe(409);
      expect(answer.body.detail).toContain('active owner');
    }
    expect((await client.get(`/Users/${id}`)).body.active).toBe(true);
    const denied = (await eventsOf(tenant)).filter(({ resource, outcome }) => resource.id === id && outcome === 'denied');
    expect(denied.map(({ action, actor }) => [action, actor.type])).toEqual(Array(2).fill(['user.suspend', 'scim-client']));
    expect(read(await call('GET', '/me', { cookie: tenant.owner.cookie }), me).user.id).toBe(id);
  });
});

describe('changes', () => {
  test('name and address follow the directory; an address outside the organisation’s domains is not proved any more', async () => {
    const [domain, name] = [`${unique()}.test`, unique()];
    await ownDomain(tenant, domain);
    const id = await made(client.post('/Users', userBody(name, { emails: [{ value: `${name}@${domain}`, type: 'work' }] })));
    expect((await person(id))?.email_verified_at).not.toBeNull();
    const answer = await client.patch(
      `/Users/${id}`,
      { op: 'Replace', path: 'displayName', value: 'New Name' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: `${name}@outside.test` },
    );
    expect(answer.status).toBe(200);
    expect(await person(id)).toMatchObject({ name: 'New Name', email: `${name}@outside.test`, email_verified_at: null });
    expect((await eventsOf(tenant)).findLast(({ resource }) => resource.id === id)?.diff.map(({ path }) => path)).toEqual([
      'name',
      'email',
      'emails',
      'displayName',
    ]);
  });

  test('an address that somebody else has is refused', async () => {
    const [taken, name] = [unique(), unique()];
    await made(client.post('/Users', userBody(taken)));
    const id = await made(client.post('/Users', userBody(name)));
    const answer = await client.patch(`/Users/${id}`, { op: 'replace', path: 'emails', value: [{ value: `${taken}@corp.test` }] });
    expect(answer).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect(await client.patch(`/Users/${id}`, { op: 'replace', path: 'userName', value: `${taken}@corp.test` })).toMatchObject({
      status: 409,
    });
    expect(await person(id)).toMatchObject({ email: `${name}@corp.test` });
  });

  test('a whole resource takes the place of the old one; what it does not speak of goes', async () => {
    const name = unique();
    const id = await made(client.post('/Users', userBody(name, { title: 'Engineer', nickName: 'Nick' })));
    const answer = await client.put(`/Users/${id}`, { ...userBody(name, { title: 'Lead', id: 'other', meta: {} }), active: undefined });
    expect(answer).toMatchObject({ status: 200, body: { id, title: 'Lead', active: true } });
    expect(answer.body).not.toHaveProperty('nickName');
  });

  test('If-Match guards a change, If-None-Match spares an answer', async () => {
    const id = await made(client.post('/Users', userBody(unique())));
    const first = (await client.get(`/Users/${id}`)).headers.get('ETag') ?? '';
    expect((await client.get(`/Users/${id}`, { 'If-None-Match': first })).status).toBe(304);
    const body = { Operations: [{ op: 'add', value: { title: 'Lead' } }] };
    expect((await client.raw(`/Users/${id}`, body, { 'If-Match': first })).status).toBe(200);
    expect((await client.raw(`/Users/${id}`, body, { 'If-Match': first })).status).toBe(412);
    expect((await client.delete(`/Users/${id}`, { 'If-Match': first })).status).toBe(412);
  });

  test('calls at once on one person are all done', async () => {
    const id = await made(client.post('/Users', userBody(unique())));
    const names = ['title', 'nickName', 'locale'];
    const answers = await Promise.all(names.map((path) => client.patch(`/Users/${id}`, { op: 'add', path, value: path })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.get(`/Users/${id}`)).body).toMatchObject(Object.fromEntries(names.map((name) => [name, name])));
  });
});
