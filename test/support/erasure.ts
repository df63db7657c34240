import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { gunzipSync } from 'node:zlib';
import type { AuditActor, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { Services } from '../../worker/platform/context.ts';
import { drafts, draft, mintTenant, type TestTenant } from './audit.ts';
import { onTestClock } from './ledger-clock.ts';

const origin = (ip: string) => ({
  ip,
  userAgent: 'Lynx',
  browser: null,
  os: null,
  device: null,
  country: null,
  city: 'Ullapool',
  asn: null,
});

/** Somebody whose traces are found wherever they are: no other event has their name, address or network. */
export function mintPerson(services: Services) {
  const id = services.newId('user');
  const name = 'Zebulon Quist';
  const email = `zebulon.${id.slice(-6)}@quist.test`;
  const ip = '203.0.113.77';
  const actor: AuditActor = { type: 'user', id, name, email, via: 'session' };
  const act = (facts: Partial<DraftEvent> = {}) => draft(services, { actor, origin: origin(ip), ...facts });
  const user = { type: 'user' as const, id, name };
  return {
    ...{ id, name, email, ip, act },
    secrets: [name, email, ip, 'Ullapool'],
    /** one event for each way in which they come up in a log */
    life: () => [
      draft(services, { action: 'invitation.create', resource: { type: 'invitation', id: services.newId('invitation'), name: email } }),
      act({ action: 'user.join', resource: user }),
      act({ action: 'user.sign_in', resource: user }),
      ...Array.from({ length: 9 }, () =>
        draft(services, {
          ...{ action: 'user.sign_in', outcome: 'failure', status: 401, resource: user, origin: origin(ip) },
          actor: { type: 'anonymous', id: null, name: 'Somebody', email, via: null },
        }),
      ),
      act({ action: 'template.create' }),
      draft(services, { action: 'user.update', resource: user, diff: [{ path: 'name', old: 'Zeb', new: name, secret: false }] }),
      draft(services, {
        ...{ action: 'group.members.update', resource: { type: 'group', id: services.newId('group'), name: 'Staff' } },
        diff: [{ path: `members.user ${id}`, old: null, new: { name, until: 'for good' }, secret: false }],
      }),
      draft(services, { action: 'session.end', resource: { type: 'session', id: services.newId('session'), name }, details: { user: id } }),
      draft(services, { action: 'user.delete', resource: user, details: { email, roles: '' } }),
    ],
    order: () =>
      draft(services, { action: 'audit.erase', status: 204, resource: { type: 'user', id, name: id }, details: { why: 'asked' } }),
  };
}

/** A log on the test's clock, and its archive. */
export async function erasableLog(tenant: TestTenant = mintTenant()) {
  const clock = await onTestClock(tenant);
  const settle = async (rounds = 6) => {
    for (let round = 0; round < rounds; round++) {
      clock.pass(2_000);
      await clock.alarm();
      await clock.archive();
    }
  };
  const person = mintPerson(clock.services);
  const status = () => tenant.ledger.erasure(person.id);
  return {
    ...tenant,
    ...{ clock, settle, person, status },
    others: (count: number) => tenant.append(...drafts(clock.services, count)),
    /** until nothing of it is left to do */
    erase: async (rounds = 120) => {
      await tenant.append(person.order());
      for (let round = 0; round < rounds && (await status())?.state !== 'done'; round++) await settle(1);
      return status();
    },
    /** the bucket as the ledger sees it, but for what the test changes */
    withBucket: (change: Partial<R2Bucket>) =>
      runInDurableObject(tenant.ledger, (instance) => {
        const bucket = new Proxy(env.AUDIT_ARCHIVE, {
          get: (target, key) => {
            const value: unknown = Reflect.get(change, key) ?? Reflect.get(target, key);
            return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
          },
        });
        Object.assign(instance, { env: { ...(Reflect.get(instance, 'env') as object), AUDIT_ARCHIVE: bucket } });
      }),
  };
}
export type ErasableLog = Awaited<ReturnType<typeof erasableLog>>;

const textOf = (_key: string, value: unknown): unknown =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? Buffer.from(value as ArrayBuffer).toString('latin1') : value;

/** All that a tenant's ledger and archive hold, unpacked, by place. */
export async function heldOf({ ledger, tenantId }: Pick<TestTenant, 'ledger' | 'tenantId'>): Promise<Map<string, string>> {
  const { bodyOf } = await import('../../worker/audit/ledger.body.ts');
  const tables = await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    const names = Array.from(sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'"), ({ name }) => name);
    return names
      .filter((name) => !/^(_cf|sqlite)/.test(name))
      .map((name): [string, string] => {
        const rows = sql.exec(`SELECT * FROM "${name}"`).toArray();
        const bodies = name === 'events' ? rows.map((row) => bodyOf(row as never as Parameters<typeof bodyOf>[0])) : [];
        return [name, JSON.stringify([rows, bodies], textOf)];
      });
  });
  const { objects } = await env.AUDIT_ARCHIVE.list({ prefix: `${tenantId}/` });
  const files = objects.map(async ({ key }): Promise<[string, string]> => {
    const bytes = new Uint8Array((await (await env.AUDIT_ARCHIVE.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
    return [key, (key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)).toString()];
  });
  return new Map([...tables, ...(await Promise.all(files))]);
}

/** Places where one of these texts is. */
export const placesOf = (held: ReadonlyMap<string, string>, secrets: readonly string[]): string[] =>
  [...held].flatMap(([place, text]) => secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${place}`));
