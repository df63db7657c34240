import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { auditEvent } from '@gatehouse/core/audit/event.ts';
import { AUDIT_FORMATS, formatEvent } from '@gatehouse/core/audit/formats.ts';
import { ledgerOf } from '../../../worker/compose.ts';
import { everything, findings, objectIds, secretsIn, secretsOfCall, type Secret } from '../../support/planted.ts';
import { ROUTE_CALLS, type Ask } from '../../support/route-calls.ts';
import { frame } from '../../support/runners.ts';
import { makePair } from '../../support/site.ts';
import { api, call, eventsOf, mintTenant, services, type Tenant } from '../../support/tenants.ts';

/** The whole API is used once. */
const LONG = 240_000;
vi.setConfig({ testTimeout: 60_000, hookTimeout: LONG });

const secrets: Secret[] = [];
const told: string[] = [];
const queued: string[] = [];
let tenant: Tenant;
let before: ReadonlySet<string>;

const ask: Ask = async (by, route, body, headers = {}) => {
  const [method = '', path = ''] = route.split(' ');
  const answer = await call(method, path, { ...(by ? { cookie: by.cookie } : {}), body, headers });
  secrets.push(...secretsOfCall(body, { ...headers, ...(by ? { Cookie: by.cookie } : {}) }, answer));
  return answer;
};

/** The ledger's queues, which write down what they carry. */
const listening = (queue: Queue<unknown>): Queue<unknown> =>
  new Proxy(queue, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...sent: unknown[]) => {
        queued.push(JSON.stringify(sent));
        return Reflect.apply(value, target, sent) as unknown;
      };
    },
  });

beforeAll(async () => {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => void told.push(words.map(String).join(' ')));
  before = await objectIds();
  tenant = await mintTenant();
  const ledger = ledgerOf(env, services().settings, tenant.shard, tenant.id);
  await runInDurableObject(ledger, (instance) => {
    Object.assign(instance, {
      env: { ...env, ARCHIVE_QUEUE: listening(env.ARCHIVE_QUEUE), DELIVERY_QUEUE: listening(env.DELIVERY_QUEUE) },
    });
  });
  for (const { call: make } of Object.values(ROUTE_CALLS)) await make(tenant, ask);
  await wrongWays();
  await connectionContents();
  await vi.waitFor(
    async () => {
      await runDurableObjectAlarm(ledger);
      const { size, archivedTo } = await ledger.status();
      expect(archivedTo).toBe(size);
    },
    { timeout: 30_000, interval: 500 },
  );
}, LONG);

/** Secrets where they do not belong, and requests that fail: what is refused must not be told either. */
async function wrongWays(): Promise<void> {
  const password = 'typed in a broken body 93ab';
  secrets.push({ kind: 'password', text: password });
  const { email } = tenant.owner;
  for (const body of [
    `{"password":"${password}"`,
    { tenant: tenant.slug, email, password: [password] },
    { tenant: tenant.slug, email, password },
  ])
    await call('POST', '/login', { body });
  await call('POST', '/login/totp', { body: { challenge: 'ghf_s0.nothing.wrong-challenge-51f0', code: '123456' } });
  secrets.push({ kind: 'challenge', text: 'wrong-challenge-51f0' });
  for (const Authorization of ['Bearer ght_s0.tnt_1.wrong-token-77aa', 'Basic d3JvbmctdG9rZW4tNzdhYQ'])
    await call('GET', '/token', { headers: { Authorization } });
  secrets.push({ kind: 'token', text: 'wrong-token-77aa' }, { kind: 'token', text: 'd3JvbmctdG9rZW4tNzdhYQ' });
  await api(tenant.owner).post('/templates', { name: 'not a name!', spec: { environment: { TOKEN: 'environment of a refused one' } } });
  secrets.push({ kind: 'environment', text: 'environment of a refused one' });
}

/** What is typed and what files hold passes the broker, which keeps none of it. */
async function connectionContents(): Promise<void> {
  const text = 'typed into a terminal 5c3e; contents of a file 5c3e';
  secrets.push({ kind: 'connection', text });
  const { viewer, number, running } = await makePair();
  const payload = new TextEncoder().encode(text);
  viewer.socket.send(frame({ viewer: number, payload }));
  await running.link.until((each) => each.type === 'data');
  running.link.socket.send(frame({ viewer: number, payload }));
  await viewer.until((each) => each.type === 'data');
}

test('the whole API was used, and what it handles was noticed', () => {
  const kinds = new Set(secrets.map(({ kind }) => kind));
  const expected = [
    'password',
    'current',
    'code',
    'secret',
    'token',
    'challenge',
    'ticket',
    'grant',
    'link',
    'command',
    'uri',
    'recoveryCodes',
  ];
  expect([...kinds]).toEqual(expect.arrayContaining([...expected, 'environment', 'cookie', 'dpop', 'authorization', 'set-cookie']));
  expect(secrets.length).toBeGreaterThan(150);
});

describe('no secret lies where it can be read', () => {
  test('in any table, object or file of the archive', async () => {
    const places = await everything(before);
    expect([...places.keys()].map((place) => place.split(/[ .]/)[0])).toEqual(
      expect.arrayContaining(['DIRECTORY', 'SHARD_0', 'AUDIT_ARCHIVE', 'AUDIT_LEDGER', 'WORKSPACE', 'RUNNER']),
    );
    expect(findings(secrets, places)).toEqual([]);
  });

  test('in a line of the log, or a message of a queue', () => {
    expect(queued.length).toBeGreaterThan(0);
    const lines = new Map([
      ['the log', told.join('\n')],
      ['a queue', queued.join('\n')],
    ]);
    expect(findings(secrets, lines)).toEqual([]);
  });

  test('in an event, in any format that leaves', async () => {
    const context = { tenant: { id: tenant.id, name: tenant.name }, version: '0.1.0' };
    const events = (await eventsOf(tenant)).map((event, index) => auditEvent.parse({ ...event, seq: index + 1, recordedAt: event.time }));
    expect(events.length).toBeGreaterThan(100);
    const exported = AUDIT_FORMATS.map((format): [string, string] => [
      format,
      JSON.stringify(events.map((event) => formatEvent(format, event, context))),
    ]);
    expect(findings(secrets, new Map(exported))).toEqual([]);
  });

  test('in what the API shows of the log', async () => {
    const pages = await Promise.all(['asc', 'desc'].map((order) => api(tenant.owner).get(`/audit/events?limit=1000&order=${order}`)));
    expect(pages.map(({ status }) => status)).toEqual([200, 200]);
    expect(findings(secrets, new Map(pages.map(({ body }, at) => [`page ${at}`, JSON.stringify(body)])))).toEqual([]);
  });
});

test('a secret that did lie somewhere would be found, and one in its own place is not complained of', () => {
  const planted = [...secretsIn({ password: 'hunter2 hunter2', spec: { environment: { KEY: 'of the environment' } }, code: '271828' })];
  expect(planted.map(({ kind }) => kind)).toEqual(['password', 'environment', 'code']);
  const places = new Map([
    ['SHARD_0.outbox', '{"details":{"typed":"hunter2 hunter2","code":"271828"}}'],
    ['SHARD_0.template_versions', 'of the environment'],
    ['the log', '1271828.5'],
  ]);
  expect(findings(planted, places)).toEqual(['password in SHARD_0.outbox', 'code in SHARD_0.outbox']);
});
