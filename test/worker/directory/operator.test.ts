import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { operatorRebuild, operatorTenant, operatorTenantList } from '@gatehouse/core/api/deployment.ts';
import { sweepDirectory } from '../../../worker/directory/sweep.ts';
import { signUp } from '../../../worker/identity/sign-up.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement, TenantDb } from '../../../worker/platform/tenant-db.ts';
import {
  addUser,
  api,
  call,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  problem,
  read,
  requestFrom,
  services,
  systemLog,
  unique,
  type Tenant,
} from '../../support/tenants.ts';

const operator = (method: string, path: string, body?: unknown, token = env.OPERATOR_TOKEN, ip = '192.0.2.1') =>
  call(method, `/operator${path}`, { body, headers: { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': ip } });
const stateOf = (tenant: Tenant) => env.DIRECTORY.prepare('SELECT state FROM tenants WHERE id = ?').bind(tenant.id).first('state');
const shardState = async (tenant: Tenant) =>
  (await tenant.db.first<{ state: string }>('SELECT state FROM tenants WHERE tenant_id = ?', tenant.id))?.state;
const place = (id: string, slug: string, state: string, minutesAgo: number) =>
  env.DIRECTORY.prepare("INSERT INTO tenants (id, slug, name, region, shard, state, created_at) VALUES (?, ?, 'Half', 'auto', 's0', ?, ?)")
    .bind(id, slug, state, new Date(Date.now() - minutesAgo * 60_000).toISOString())
    .run();

describe('the operator', () => {
  test('sees all organisations, page by page', async () => {
    const tenants = [await mintTenant(), await mintTenant(), await mintTenant()];
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: Array<{ id: string }>; nextCursor: string | null } = read(
        await operator('GET', `/tenants?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`),
        operatorTenantList,
      );
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual([...new Set(seen)]);
    expect(seen).toEqual(expect.arrayContaining(tenants.map(({ id }) => id)));
  });

  test('has an audit ledger made anew from the archive: both logs say so, and it ends whole', async () => {
    const tenant = await mintTenant();
    const rebuild = () => operator('POST', `/tenants/${tenant.id}/ledger/rebuild`);
    // Nothing is begun before the archive has everything.
    const answer = await vi.waitFor(
      async () => {
        const asked = await rebuild();
        expect([202, 409]).toContain(asked.status);
        expect(asked.status).toBe(202);
        return asked;
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(read(answer, operatorRebuild)).toMatchObject({ state: 'begun', fault: null });
    const ledger = env.AUDIT_LEDGER.getByName(tenant.id);
    await vi.waitFor(async () => expect(await ledger.rebuilding()).toBeNull(), { timeout: 20_000, interval: 100 });
    expect(await eventOfAnswer(systemLog(), answer)).toMatchObject({ action: 'audit.rebuild', details: { tenant: tenant.id } });
    // What happened meanwhile lies in the outbox until the sweep.
    expect(await tenant.db.rows('SELECT body FROM outbox WHERE tenant_id = ?', tenant.id)).toEqual(
      expect.arrayContaining([{ body: expect.stringContaining('"audit.rebuild"') }]),
    );
    expect((await ledger.status()).size).toBeGreaterThan(0);
    expect((await operator('POST', '/tenants/tnt_01m856tm29e6frrs5mmr9m5rhs/ledger/rebuild')).status).toBe(404);
  }, 60_000);

  test('suspends an organisation: its people are out at once, and both logs say why', async () => {
    const tenant = await mintTenant();
    const member = await addUser(tenant);
    const answer = await operator('POST', `/tenants/${tenant.id}/suspend`, { reason: 'Unpaid since June' });
    expect(read(answer, operatorTenant)).toMatchObject({ id: tenant.id, state: 'suspended' });
    expect((await api(member).get('/me')).status).toBe(401);
    const said = {
      action: 'tenant.suspend',
      outcome: 'success',
      reason: 'Unpaid since June',
      actor: { type: 'operator' },
      resource: { id: tenant.id },
    };
    expect(await eventOfAnswer(tenant, answer)).toMatchObject(said);
    expect(await eventOfAnswer(systemLog(), answer)).toMatchObject(said);

    const twice = await operator('POST', `/tenants/${tenant.id}/suspend`, { reason: 'Again' });
    expect(twice.status).toBe(200);
    expect(await eventOfAnswer(tenant, twice)).toBeUndefined();

    const back = await operator('POST', `/tenants/${tenant.id}/activate`);
    expect(read(back, operatorTenant).state).toBe('active');
    expect((await api(member).get('/me')).status).toBe(200);
    expect(await eventOfAnswer(tenant, back)).toMatchObject({ action: 'tenant.activate', actor: { type: 'operator' } });
  });

  test('needs its token, to the letter; ten guesses close the network’s door', async () => {
    const ip = `10.9.${Math.floor(Math.random() * 256)}.1`;
    const guess = (token: string) => operator('GET', '/tenants', undefined, token, ip);
    const first = await guess(`${env.OPERATOR_TOKEN}x`);
    expect(problem(first)).toMatchObject({ status: 401, code: 'not-signed-in' });
    expect(await eventOfAnswer(systemLog(), first)).toMatchObject({ action: 'request.denied', outcome: 'denied', status: 401 });
    expect((await guess('')).status).toBe(401);
    expect((await guess(env.OPERATOR_TOKEN)).status).toBe(200);
    for (let i = 0; i < 10; i++) expect((await guess(`guess-${i}`)).status).toBe(401);
    expect((await guess('guess')).status).toBe(429);
    expect((await guess(env.OPERATOR_TOKEN)).status).toBe(429);
    expect((await operator('GET', '/tenants')).status).toBe(200);
    expect(JSON.stringify(await eventsOf(systemLog()))).not.toContain('guess-1');
  });

  test('is not an owner’s cookie, and has no power over an organisation that is not there', async () => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).get('/operator/tenants')).status).toBe(401);
    const other = services().newId('tenant');
    expect((await operator('POST', `/tenants/${other}/suspend`, { reason: 'None' })).status).toBe(404);
  });
});

describe('the sweep', () => {
  test('activates a sign-up that got as far as the shard', async () => {
    const tenant = await mintTenant();
    const made = new Date(Date.now() - 6 * 60_000).toISOString();
    await env.DIRECTORY.prepare("UPDATE tenants SET state = 'reserved', created_at = ? WHERE id = ?").bind(made, tenant.id).run();
    const login = { body: { tenant: tenant.slug, email: tenant.owner.email, password: tenant.owner.password } };
    expect((await call('POST', '/login', login)).status).toBe(401);
    await sweepDirectory(services());
    expect(await stateOf(tenant)).toBe('active');
    expect((await call('POST', '/login', login)).status).toBe(200);
  });

  const inSixMinutes = () => ({ ...services(), now: () => new Date(Date.now() + 6 * 60_000) });
  const signUpWith = (changed: Partial<Services>, slug: string) =>
    signUp({ ...services(), log: () => {}, ...changed }, requestFrom(), {
      tenant: { name: 'Half', slug, region: 'auto' },
      user: { name: 'Olga', email: `owner@${slug}.test`, password: 'correct horse battery' },
    });
  const placeOf = (slug: string) => env.DIRECTORY.prepare('SELECT state FROM tenants WHERE slug = ?').bind(slug).first('state');

  test('a sign-up whose activation fails stands all the same', async () => {
    const slug = `t-${unique()}`;
    const directory = new Proxy(env.DIRECTORY, {
      get: (d1, key) => {
        if (key !== 'prepare') throw new Error('not asked for');
        return (sql: string) => {
          if (sql.includes("'active'")) throw new Error('the directory does not answer');
          return d1.prepare(sql);
        };
      },
    });
    const { credential } = await signUpWith({ directory }, slug);
    expect((await api({ cookie: `__Host-gatehouse=${credential}` }).get('/me')).status).toBe(200);
    expect(await placeOf(slug)).toBe('reserved');
    await sweepDirectory(inSixMinutes());
    expect(await placeOf(slug)).toBe('active');
  });

  test('a sign-up whose shard fails leaves nothing but a slug that is free again', async () => {
    const slug = `t-${unique()}`;
    class Failing extends TenantDb {
      override batch(): Promise<never> {
        return Promise.reject(new Error('the shard does not answer'));
      }
    }
    const tenantDb = (shard: string, id: string) => new Failing(env.SHARD_0, shard, id);
    await expect(signUpWith({ tenantDb }, slug)).rejects.toThrow('the shard does not answer');
    expect(await placeOf(slug)).toBe('reserved');
    await sweepDirectory(inSixMinutes());
    expect(await placeOf(slug)).toBeNull();
  });

  test('frees the slug of one that did not, but not of one under way', async () => {
    const [abandoned, underWay] = [`t-${unique()}`, `t-${unique()}`];
    await place(services().newId('tenant'), abandoned, 'reserved', 6);
    await place(services().newId('tenant'), underWay, 'reserved', 0.5);
    await sweepDirectory(services());
    const left = await env.DIRECTORY.prepare('SELECT slug FROM tenants WHERE slug IN (?, ?)').bind(abandoned, underWay).all();
    expect(left.results).toEqual([{ slug: underWay }]);
    expect((await mintTenant({ slug: abandoned })).slug).toBe(abandoned);
  });

  test('who signs up again after a minute need not wait for it', async () => {
    const [abandoned, underWay] = [`t-${unique()}`, `t-${unique()}`];
    await place(services().newId('tenant'), abandoned, 'reserved', 1.1);
    await place(services().newId('tenant'), underWay, 'reserved', 0.5);
    await signUpWith({}, abandoned);
    expect(await placeOf(abandoned)).toBe('active');
    await expect(signUpWith({}, underWay)).rejects.toThrow('is taken');
    expect(await placeOf(underWay)).toBe('reserved');
  });

  test.each([
    ['suspended', 'active', 'tenant.suspend'],
    ['active', 'suspended', 'tenant.activate'],
  ])('fulfils an order that stopped half way: %s', async (ordered, effective, action) => {
    const tenant = await mintTenant();
    await env.DIRECTORY.prepare('UPDATE tenants SET state = ? WHERE id = ?').bind(ordered, tenant.id).run();
    await tenant.db.batch([statement('UPDATE tenants SET state = ? WHERE tenant_id = ?', effective, tenant.id)]);
    await sweepDirectory(services());
    expect(await shardState(tenant)).toBe(ordered);
    await sweepDirectory(services());
    const events = (await eventsOf(tenant)).filter((event) => event.action === action);
    expect(events).toMatchObject([{ outcome: 'success', actor: { type: 'system' } }]);
  });

  test('one tenant that can’t be mended keeps no other from it', async () => {
    const slug = `t-${unique()}`;
    await place('tnt_0', `t-${unique()}`, 'reserved', 6);
    await place(services().newId('tenant'), slug, 'reserved', 6);
    const base = services();
    const tenantDb: typeof base.tenantDb = (shard, id) => {
      if (id === 'tnt_0') throw new Error('the shard does not answer');
      return base.tenantDb(shard, id);
    };
    const said: string[] = [];
    await sweepDirectory({ ...base, tenantDb, log: (_level, message) => void said.push(message) });
    expect(said).toEqual(['a tenant stays half done until the next sweep']);
    expect(await env.DIRECTORY.prepare('SELECT id FROM tenants WHERE slug = ?').bind(slug).first()).toBeNull();
  });
});
