import { createExecutionContext, createMessageBatch, getQueueResult, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { destinationConfig } from '@gatehouse/core/api/audit.ts';
import { consume } from '../../../worker/audit/consumers.ts';
import { addressesOf, refusalOf } from '../../../worker/audit/destination-url.ts';
import { sweepOutbox } from '../../../worker/audit/sweep.ts';
import { commit, eventOf, type EventContext } from '../../../worker/platform/commit.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { archived, draft, drafts, mintTenant } from '../../support/audit.ts';
import { readSegmentLines } from '../../support/archive-reader.ts';

vi.setConfig({ testTimeout: 40_000 });

/** A tenant whose first segment is sealed, but announced to nobody. */
async function sealed(count: number) {
  const tenant = mintTenant();
  await runInDurableObject(tenant.ledger, async (instance) => {
    const silent = { sendBatch: async () => {} };
    Object.assign(instance, { env: { ...env, ARCHIVE_QUEUE: silent, DELIVERY_QUEUE: silent } });
  });
  await tenant.append(...drafts(tenant.services, count));
  await runDurableObjectAlarm(tenant.ledger);
  return { ...tenant, pointer: { tenantId: tenant.tenantId, shard: 's0', first: 1, last: count } };
}

async function queue(name: string, bodies: unknown[], with_: Partial<typeof env> = {}) {
  const messages = bodies.map((body, index) => ({ id: `message-${index}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch(name, messages);
  const ctx = createExecutionContext();
  await consume(batch, { ...env, ...with_ }, mintTenant().services);
  return getQueueResult(batch, ctx);
}

const failingBucket = (failures: { left: number }): R2Bucket =>
  new Proxy(env.AUDIT_ARCHIVE, {
    get: (target, key) => {
      if (key === 'put' && failures.left-- > 0) return () => Promise.reject(new Error('R2 is down'));
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('the archive', () => {
  test('a message delivered twice writes one file, and both are done with', async () => {
    const { pointer, tenantId, ledger } = await sealed(3);
    const [first, second] = [await queue('gatehouse-archive', [pointer]), await queue('gatehouse-archive', [pointer])];
    expect([first.explicitAcks, second.explicitAcks]).toEqual([['message-0'], ['message-0']]);
    const keys = await archived(`${tenantId}/`);
    expect(keys).toEqual([expect.stringMatching(/^tnt_\w+\/\d{4}\/\d\d\/\d\d\/000000000001-000000000003\.ndjson\.gz$/)]);
    expect((await readSegmentLines(keys[0] ?? '')).map(({ event }) => event.seq)).toEqual([1, 2, 3]);
    expect((await ledger.status()).archivedTo).toBe(3);
  });

  test('another content under the same name is never taken for archived', async () => {
    const { pointer, ledger } = await sealed(2);
    const file = await ledger.segment(1, 2);
    await env.AUDIT_ARCHIVE.put(file?.key ?? expect.fail(), 'something else');
    expect((await queue('gatehouse-archive', [pointer])).retryMessages).toHaveLength(1);
    expect((await ledger.status()).archivedTo).toBe(0);
  });

  test('when R2 fails, only that message comes again, and then it is archived', async () => {
    const [one, two] = [await sealed(1), await sealed(1)];
    const failures = { left: 1 };
    const result = await queue('gatehouse-archive', [one.pointer, two.pointer], { AUDIT_ARCHIVE: failingBucket(failures) });
    expect(result.explicitAcks).toHaveLength(1);
    expect(result.retryMessages).toHaveLength(1);
    await queue('gatehouse-archive', [one.pointer, two.pointer]);
    expect([(await one.ledger.status()).archivedTo, (await two.ledger.status()).archivedTo]).toEqual([1, 1]);
  });

  test('a message that never arrived: the ledger announces again', async () => {
    const { ledger } = await sealed(1);
    const announced: unknown[] = [];
    await runInDurableObject(ledger, (instance) => {
      const note = { sendBatch: async (messages: unknown[]) => void announced.push(...messages) };
      Object.assign(instance, { env: { ...env, ARCHIVE_QUEUE: note } });
    });
    await runDurableObjectAlarm(ledger);
    expect(announced).toEqual([]);
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE segments SET announce_at = announce_at - 30000'));
    await runDurableObjectAlarm(ledger);
    expect(announced).toEqual([{ body: expect.objectContaining({ first: 1, last: 1 }) }]);
  });

  test('a message given up is kept and logged', async () => {
    const { tenantId } = mintTenant();
    const result = await queue('gatehouse-dead', [{ tenantId, first: 1 }]);
    expect(result.explicitAcks).toEqual(['message-0']);
    const [key = expect.fail()] = await archived('dead-letters/');
    expect(await (await env.AUDIT_ARCHIVE.get(key))?.json()).toMatchObject({ body: { tenantId, first: 1 } });
  });

  test('a message that is no pointer is not lost by being acknowledged', async () => {
    expect((await queue('gatehouse-archive', [{ nonsense: true }])).retryMessages).toHaveLength(1);
    expect((await queue('somebody-else’s', [{}])).retryMessages).toHaveLength(1);
  });
});

describe('the sweep', () => {
  /** Commits whose events never reach the ledger, as when the Worker is killed right after the transaction. */
  async function leftBehind(count: number, { ageSeconds = 60 } = {}) {
    const tenant = mintTenant();
    const ctx: EventContext = {
      ...tenant.as('owner'),
      now: () => new Date(Date.now() - ageSeconds * 1000),
      ledger: { ...tenant.services.ledger, append: () => Promise.reject(new Error('killed')) },
    };
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      const event = eventOf(ctx, { action: 'template.create', resource: { type: 'template', id: null, name: `${n}` } });
      ids.push(event.id);
      await commit(ctx, { events: [event] });
    }
    const rows = async () => ctx.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', tenant.tenantId);
    return { ...tenant, ids, rows, db: ctx.db };
  }
  const gone = (rows: () => Promise<unknown[]>) =>
    vi.waitFor(async () => expect(await rows()).toEqual([]), { timeout: 15_000, interval: 100 });

  test('sends what was left behind, in order, and the ledger clears the outbox', async () => {
    const { services, ids, events, rows } = await leftBehind(5);
    await sweepOutbox(services);
    expect((await events()).map(({ id }) => id)).toEqual(ids);
    await gone(rows);
  });

  test('twice at once is as good as once', async () => {
    const { services, ids, events } = await leftBehind(3);
    await Promise.all([sweepOutbox(services), sweepOutbox(services)]);
    expect((await events()).map(({ id }) => id)).toEqual(ids);
  });

  test('leaves what is on its way', async () => {
    const { services, events, rows } = await leftBehind(1, { ageSeconds: 5 });
    await sweepOutbox(services);
    expect(await events()).toEqual([]);
    expect(await rows()).toHaveLength(1);
  });

  test('a row that no ledger takes keeps nobody else’s, and stays', async () => {
    const { services, ids, events, rows, db, tenantId } = await leftBehind(2);
    const poison = (id: string, body: string) =>
      statement('INSERT INTO outbox (tenant_id, id, created_at, body) VALUES (?, ?, 1, ?)', tenantId, id, body);
    await db.batch([poison('obx_1', '[{"id":"no event"}]'), poison('obx_2', 'no JSON')]);
    await sweepOutbox(services);
    expect((await events()).map(({ id }) => id)).toEqual(ids);
    await vi.waitFor(async () => expect(await rows()).toEqual([{ id: 'obx_1' }, { id: 'obx_2' }]), { timeout: 15_000, interval: 100 });
  });

  test('events of no tenant go from the directory to the system’s ledger', async () => {
    const { services } = mintTenant();
    const event = { ...draft(services), actor: { type: 'anonymous' as const, id: null, name: 'nobody', email: null, via: null } };
    const [id, old] = [services.newId('outbox'), Date.now() - 60_000];
    await services.systemDb.batch([
      statement('INSERT INTO outbox (tenant_id, id, created_at, body) VALUES (?, ?, ?, ?)', 'system', id, old, JSON.stringify([event])),
    ]);
    await sweepOutbox(services);
    const { bodies } = await services.ledger.open('system', 'directory').query({ limit: 10, order: 'desc', by: 'seq' });
    expect(bodies.join()).toContain(event.id);
    await gone(() => services.systemDb.rows('SELECT id FROM outbox WHERE tenant_id = ? AND id = ?', 'system', id));
  });
});

describe('addresses of destinations', () => {
  const deployed = { ENVIRONMENT: 'deployed', ORIGIN: 'https://gate.example.com' } as const;
  const local = { ENVIRONMENT: 'local', ORIGIN: 'http://localhost:8787' } as const;

  test.each([
    'https://siem.example.org/hook?x=1',
    'https://splunk.example.org:8088',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
  ])('%s may be called', (url) => expect(refusalOf(url, deployed)).toBeNull());

  test.each([
    'http://siem.example.org/',
    'ftp://siem.example.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'siem.example.org',
    'https://user:secret@siem.example.org/',
    'https://siem.example.org/#part',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://db.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://metadata.google.internal/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a00:1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fe80::1]/',
    'https://[fc00::1]/',
    'https://[fd12:3456::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[2001::1]/',
    'https://[2002:7f00:1::]/',
    'https://[fd00:ec2::254]/',
    'https://router/',
    'https://printer.local/',
    'https://vault.corp/',
    'https://gate.example.com/api/v1/health',
    'https://gate.example.com:8443/',
    'https://x.gate.example.com/',
    'https://１２７.0.0.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://%31%32%37.0.0.1/',
    'https:\\\\127.0.0.1\\',
    'https://127.0.0.1\t/',
    'https://0251.0376.0251.0376/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://169.254.43518/',
    'https://169.254.169.254./',
    'https://[::ffff:169.254.169.254]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[0:0:0:0:0:ffff:7f00:1]/',
    'https://[64:ff9b:1::7f00:1]/',
    'https://[fec0::1]/',
    'https://[3fff:fff::1]/',
    'https://instance-data.ec2.internal/',
    'https://metadata/',
    'https://kubernetes.default.svc/',
    'https://siem.cluster.local./',
    'https://10.0.0.1.nip.io/',
    'https://127-0-0-1.SSLIP.io/',
    'https://localtest.me/',
    'https://gate.example.com./',
    'https://GATE.example.com/',
  ])('%s may not', (url) => expect(refusalOf(url, deployed)).not.toBeNull());

  test('of Sentinel the sign-in’s address is looked at as well', () => {
    const config = destinationConfig.parse({
      ...{ type: 'sentinel', url: 'https://x.ingest.monitor.azure.com', ruleId: `dcr-${'a'.repeat(32)}`, stream: 'Custom-G_CL' },
      ...{ directoryId: crypto.randomUUID(), clientId: crypto.randomUUID() },
    });
    expect(addressesOf(config)).toEqual([
      { path: 'config.url', url: 'https://x.ingest.monitor.azure.com' },
      { path: 'config.authority', url: 'https://login.microsoftonline.com' },
    ]);
  });

  test('a local deployment may call loopback, but not itself, and nothing more', () => {
    for (const url of ['http://127.0.0.1:8088/', 'http://localhost:8088/', 'https://[::1]:8088/']) expect(refusalOf(url, local)).toBeNull();
    for (const url of [
      'http://localhost:8787/',
      'http://127.0.0.1:8787/',
      'http://10.0.0.1/',
      'http://siem.example.org/',
      'ftp://127.0.0.1/',
    ])
      expect(refusalOf(url, local)).not.toBeNull();
  });
});
