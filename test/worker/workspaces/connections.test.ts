import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { ledgerOf, workspaceOf } from '../../../worker/compose.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { frame } from '../../support/runners.ts';
import { actionsOf, join, makePair } from '../../support/site.ts';
import { api, eventsOf, services, type Tenant } from '../../support/tenants.ts';

const stubOf = (id: string) => workspaceOf(env, services().settings, 's0', id);

/** The events of one connection, in the order in which the ledger took them. */
async function recorded({ id, shard }: Tenant, connectionId: string): Promise<DraftEvent[]> {
  const { bodies } = await ledgerOf(env, services().settings, shard, id).query({ limit: 1000, order: 'asc', by: 'seq' });
  return bodies.map((body) => JSON.parse(body) as DraftEvent).filter(({ resource }) => resource.id === connectionId);
}
const actions = async (tenant: Tenant, connectionId: string) => (await recorded(tenant, connectionId)).map(({ action }) => action);

describe('what the log gets of a connection', () => {
  test('P6: who is admitted, who drives, and the end, in this order and each once', async () => {
    const { site, running, viewer, number, connectionId } = await makePair();
    for (const kind of ['admitted', 'admitted', 'drives', 'drives'] as const) running.say({ kind, viewer: number });
    viewer.socket.send(frame({ payload: new Uint8Array(84) }));
    await running.link.until((each) => each.type === 'data');
    running.link.socket.send(frame({ viewer: number, payload: new Uint8Array(184) }));
    await viewer.until((each) => each.type === 'data');
    viewer.socket.close(1000, 'left');
    await expect.poll(() => actions(site.tenant, connectionId)).toContain('connection.end');
    const [opened, ...told] = await recorded(site.tenant, connectionId);
    expect(opened?.action).toBe('connection.open');
    const actor = { type: 'user', id: site.dev.id, name: site.dev.name, email: site.dev.email, via: 'connection' };
    const common = { actor, outcome: 'success', sessionId: site.dev.sessionId, workspaceId: running.id };
    expect(told).toMatchObject([
      { ...common, action: 'connection.join', details: { viewer: number, access: 'own' } },
      { ...common, action: 'connection.drive', details: { viewer: number, access: 'own' } },
      { ...common, action: 'connection.end', reason: 'left', details: { seconds: 0, bytesIn: 100, bytesOut: 200 } },
    ]);
  });

  test('driving that is handed over and back is each time an event; of whom nobody admitted it is none', async () => {
    const { site, running, number } = await makePair();
    const guest = await join(site.tenant.owner, running.id);
    running.say({ kind: 'drives', viewer: guest.number });
    running.say({ kind: 'admitted', viewer: number });
    running.say({ kind: 'admitted', viewer: guest.number });
    for (const viewer of [number, guest.number, number]) running.say({ kind: 'drives', viewer });
    await expect.poll(() => actionsOf(site.tenant, 'connection.drive')).toHaveLength(3);
    const drives = (await eventsOf(site.tenant)).filter(({ action }) => action === 'connection.drive');
    expect(drives.filter(({ actor }) => actor.id === site.tenant.owner.id)).toMatchObject([{ details: { access: 'join' } }]);
  });

  test('O4: a viewer that the runner refuses is closed, and its refusal says why', async () => {
    const { site, running, viewer, number, connectionId } = await makePair();
    running.say({ kind: 'refuse', viewer: number, reason: 'The grant was used before' });
    expect((await viewer.closed).code).toBe(4400);
    await expect.poll(() => actions(site.tenant, connectionId)).toEqual(['connection.open', 'connection.join', 'connection.end']);
    const [, refused] = await recorded(site.tenant, connectionId);
    expect(refused).toMatchObject({ outcome: 'denied', reason: 'The grant was used before', actor: { id: site.dev.id } });
  });

  test('a connection whose socket died with the machine is ended by the object’s alarm, once', async () => {
    const { site, running } = await makePair();
    await evictDurableObject(stubOf(running.id), { webSockets: 'close' });
    for (let index = 0; index < 2; index++) await runDurableObjectAlarm(stubOf(running.id));
    await expect.poll(() => actionsOf(site.tenant, 'connection.end')).toEqual(['connection.end']);
    const [row] = await site.tenant.db.rows<{ ended_at: string | null }>(
      'SELECT ended_at FROM connections WHERE tenant_id = ?',
      site.tenant.id,
    );
    expect(row?.ended_at).not.toBeNull();
  });

  test.each([['before it was held'], ['after it was held, and the answer was lost']])(
    'what the ledger could not take (%s) is told again by the alarm: same ids, same order, once',
    async (when) => {
      const { site, running, viewer, number, connectionId } = await makePair();
      const failing = async (services: Services, ...told: Parameters<Services['ledger']['tell']>) => {
        if (when !== 'before it was held') await services.ledger.tell(...told);
        throw new Error('The ledger is away');
      };
      await runInDurableObject(stubOf(running.id), (object) => {
        const composed = object as unknown as { compose(): Services };
        const compose = composed.compose.bind(object);
        composed.compose = () => ({ ...compose(), ledger: { ...compose().ledger, tell: (...told) => failing(compose(), ...told) } });
      });
      running.say({ kind: 'admitted', viewer: number });
      running.say({ kind: 'drives', viewer: number });
      running.link.socket.send(frame({ viewer: number }));
      await viewer.until((each) => each.type === 'data');
      viewer.socket.close(1000);
      await running.link.until((each) => each.type === 'control' && running.control(each).kind === 'left');
      await evictDurableObject(stubOf(running.id), { webSockets: 'hibernate' });
      await runDurableObjectAlarm(stubOf(running.id));
      expect(await actions(site.tenant, connectionId)).toEqual([
        'connection.open',
        'connection.join',
        'connection.drive',
        'connection.end',
      ]);
      expect(await runDurableObjectAlarm(stubOf(running.id))).toBe(false);
    },
  );
});

describe('ending connections', () => {
  test('stopping the workspace closes the browser with the right code', async () => {
    const { viewer, site, running, connectionId } = await makePair();
    await api(site.dev).post(`/workspaces/${running.id}/stop`);
    expect([(await viewer.closed).code, (await running.link.closed).code]).toEqual([4410, 4410]);
    await expect.poll(async () => (await recorded(site.tenant, connectionId)).at(-1)?.reason).toBe('the workspace stopped');
  });

  test('signing out everywhere closes it too, and nobody else’s', async () => {
    const { viewer, site, running } = await makePair();
    const other = await join(site.tenant.owner, running.id);
    expect((await api(site.dev).delete('/me/sessions')).status).toBe(204);
    expect((await viewer.closed).code).toBe(4403);
    expect(other.viewer.socket.readyState).toBe(WebSocket.OPEN);
  });
});
