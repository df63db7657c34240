import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { runRevocation } from '../../../worker/access/revocation.ts';
import { sweepRevocations } from '../../../worker/access/sweep.ts';
import { compose } from '../../../worker/compose.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { isOpen, keptTask, LONG_AGO, openRows, takeAclAway, tasksOf } from '../../support/revocations.ts';
import { attachTo, join, makePair, type Site } from '../../support/site.ts';
import { addUser, read, services, type Person } from '../../support/tenants.ts';
import { watchedD1 } from '../../support/watched-d1.ts';

// Each test makes a whole organisation with sockets, and waits for what happens between them.
vi.setConfig({ testTimeout: 20_000 });

const withShard = (SHARD_0: D1Database): typeof env => ({ ...env, SHARD_0 });

describe('when something fails in the middle', () => {
  test('the sweep does what nothing else finished', async () => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    await keptTask(site.tenant, LONG_AGO);
    await sweepRevocations(services());
    expect((await viewer.closed).code).toBe(4403);
    expect(await tasksOf(site.tenant)).toEqual([]);
  });

  test.each([1, 2, 3, 4])('at trip %i to D1 the task stays, and doing it again does the rest', async (failing) => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    const id = await keptTask(site.tenant, LONG_AGO);
    const down = watchedD1(env.SHARD_0, (trip) => {
      if (trip === failing) throw new Error('D1_ERROR: down');
    });
    const broken = compose(withShard(down), () => {});
    await expect(runRevocation(broken, 's0', site.tenant.id, id)).rejects.toThrow('D1_ERROR');
    expect(await tasksOf(site.tenant)).toEqual([{ id }]);
    await sweepRevocations(services());
    expect((await viewer.closed).code).toBe(4403);
    expect(await tasksOf(site.tenant)).toEqual([]);
    expect(await openRows(site.tenant)).toEqual([]);
    await runRevocation(services(), 's0', site.tenant.id, id);
  });

  test('an object that can’t be reached keeps its task and holds up no other', async () => {
    const { viewer, site, running, connectionId } = await makePair();
    const away = await join(site.dev, running.id);
    await takeAclAway(site);
    const base = services();
    const closeConnections: Services['workspaces']['closeConnections'] = async (shard, connections, cause) => {
      const reached = connections.filter((each) => each.connectionId === connectionId);
      await base.workspaces.closeConnections(shard, reached, cause);
      return [away.connectionId];
    };
    const id = await keptTask(site.tenant, LONG_AGO);
    const broken = { ...base, workspaces: { ...base.workspaces, closeConnections } };
    await expect(runRevocation(broken, 's0', site.tenant.id, id)).rejects.toThrow('1 of 2');
    expect((await viewer.closed).code).toBe(4403);
    expect(await openRows(site.tenant)).toEqual([{ id: away.connectionId }]);
    await sweepRevocations(base);
    expect((await away.viewer.closed).code).toBe(4403);
    expect(await openRows(site.tenant)).toEqual([]);
  });

  test('a call to an object is made a second time before it counts as lost', async () => {
    const calls: string[] = [];
    const revoke = async (connectionId: string) => {
      calls.push(connectionId);
      if (calls.length === 1 || connectionId === 'con_lost') throw new Error('The object is moving');
    };
    const WORKSPACE: typeof env.WORKSPACE = Object.assign(Object.create(env.WORKSPACE), { getByName: () => ({ revoke }) });
    const { workspaces } = compose({ ...env, WORKSPACE }, () => {});
    const places = ['con_once', 'con_lost', 'con_fine'].map((connectionId) => ({ connectionId, workspaceId: `wsp_${connectionId}` }));
    expect(await workspaces.closeConnections('s0', places, 'A test')).toEqual(['con_lost']);
    expect(calls.toSorted()).toEqual(['con_fine', 'con_lost', 'con_lost', 'con_once', 'con_once']);
  });

  test('a shard that is down keeps no other from its sweep', async () => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    await keptTask(site.tenant, LONG_AGO);
    const down = watchedD1(env.SHARD_0, () => {
      throw new Error('D1_ERROR: down');
    });
    const errors: unknown[] = [];
    const shards = new Map([['s1', down] as const, ...services().shards]);
    await sweepRevocations({ ...services(), shards, log: (_level, _message, facts) => errors.push(facts?.['shard']) });
    expect((await viewer.closed).code).toBe(4403);
    expect(new Set(errors)).toEqual(new Set(['s1']));
  });

  test('tasks that fail again and again stand behind those that were not tried yet', async () => {
    const { site } = await makePair();
    const [old, fresh] = [await keptTask(site.tenant, LONG_AGO), await keptTask(site.tenant, '2026-02-01T00:00:00.000Z')];
    await site.tenant.db.batch([
      statement('UPDATE revocations SET tried_at = ? WHERE tenant_id = ? AND id = ?', new Date().toISOString(), site.tenant.id, old),
    ]);
    const order = await site.tenant.db.rows<{ id: string }>(
      'SELECT id FROM revocations WHERE tenant_id = ? ORDER BY coalesce(tried_at, created_at)',
      site.tenant.id,
    );
    expect(order.map(({ id }) => id)).toEqual([fresh, old]);
    await sweepRevocations(services());
  });
});

describe('several organisations at once', () => {
  test('each loses its own connections and nobody else’s, in whatever order it is done', async () => {
    const [one, two, three] = await Promise.all([makePair(), makePair(), makePair()]);
    await Promise.all([takeAclAway(one.site), takeAclAway(three.site)]);
    const tenants = [one, two, three, two, one].map(({ site }) => site.tenant);
    await Promise.all(tenants.map((tenant) => keptTask(tenant, LONG_AGO)));
    await Promise.all([sweepRevocations(services()), sweepRevocations(services())]);
    expect([(await one.viewer.closed).code, (await three.viewer.closed).code]).toEqual([4403, 4403]);
    expect(isOpen(two.viewer)).toBe(true);
    expect(await openRows(two.site.tenant)).toEqual([{ id: two.connectionId }]);
  });
});

describe('rows that no socket stands behind', () => {
  test('end when their ticket was never used, and not before', async () => {
    const { site, running, connectionId } = await makePair();
    const unused = read(await attachTo(site.dev, running.id), attachment);
    const later = (ms: number) => ({ ...services(), now: () => new Date(Date.now() + ms) });
    await sweepRevocations(later(60_000));
    expect((await openRows(site.tenant)).map(({ id }) => id)).toEqual([connectionId, unused.connectionId].toSorted());
    await sweepRevocations(later(6 * 60_000));
    expect(await openRows(site.tenant)).toEqual([{ id: connectionId }]);
  });

  test('end when nothing looked at them for an hour after they should have lapsed', async () => {
    const { site } = await makePair();
    const lapse = (ago: number) =>
      site.tenant.db.batch([
        statement('UPDATE connections SET lapses_at = ? WHERE tenant_id = ?', new Date(Date.now() - ago).toISOString(), site.tenant.id),
      ]);
    await lapse(1_800_000);
    await sweepRevocations(services());
    expect(await openRows(site.tenant)).toHaveLength(1);
    await lapse(3_601_000);
    await sweepRevocations(services());
    expect(await openRows(site.tenant)).toEqual([]);
  });
});

describe('a hundred live sessions', () => {
  const HUNDRED = 100;
  let site: Site;
  let people: Person[];

  beforeEach(async () => {
    const pair = await makePair();
    site = pair.site;
    people = await Promise.all(Array.from({ length: HUNDRED }, () => addUser(site.tenant)));
    const { newId } = services();
    const lapses = new Date(Date.now() + 3_600_000).toISOString();
    await site.tenant.db.batch(
      people.flatMap((person) => {
        const workspaceId = newId('workspace');
        return [
          statement(
            `INSERT INTO workspaces (tenant_id, id, name, owner_id, template_id, version_id, runner_id, desired, phase, generation, created_at)
             SELECT tenant_id, ?3, ?3, ?4, template_id, version_id, runner_id, desired, phase, generation, created_at
             FROM workspaces WHERE tenant_id = ?1 AND id = ?2`,
            ...[site.tenant.id, pair.running.id, workspaceId, person.id],
          ),
          statement(
            'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, lapses_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
            ...[site.tenant.id, newId('connection'), workspaceId, person.id, person.sessionId, LONG_AGO, lapses],
          ),
        ];
      }),
    );
  });

  test('close side by side, at most fifty at a time, in four trips to D1', async () => {
    let trips = 0;
    let now = 0;
    let most = 0;
    const closed: string[] = [];
    const revoke = async (connectionId: string) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      closed.push(connectionId);
    };
    const WORKSPACE: typeof env.WORKSPACE = Object.assign(Object.create(env.WORKSPACE), { getByName: () => ({ revoke }) });
    const counted = compose({ ...withShard(watchedD1(env.SHARD_0, () => void trips++)), WORKSPACE }, () => {});
    await takeAclAway(site);
    const id = await keptTask(site.tenant, LONG_AGO);
    await runRevocation(counted, 's0', site.tenant.id, id);
    expect(new Set(closed).size).toBe(HUNDRED + 1);
    expect(most).toBeLessThanOrEqual(50);
    expect(most).toBeGreaterThan(10);
    expect(trips).toBe(4);
    expect(await openRows(site.tenant)).toEqual([]);
  });
});
