import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { enroll, keepRunner, move } from '../../scripts/local-runner.ts';
import { startServer } from '../../scripts/server.ts';
import { largeOrganisation, type Rows } from './large-organisation.ts';
import { ROOT } from './place.ts';

/**
 * Starts the built product with an organisation of 10,000 people, 500 groups and 1,000 templates, to look at its pages:
 *   PORT=8931 STATE_DIR=/tmp/large node test/support/large-tenant.ts
 */

const ACCOUNT = { tenant: 'meridian', email: 'owner@meridian.test', password: 'a long enough password' };
const MEMBER = 'dana@meridian.test';
/** Rows that one statement takes as JSON. */
const AT_ONCE = 1_000;

const port = Number(process.env['PORT'] ?? 8931);
const stateDir = resolve(process.env['STATE_DIR'] ?? join(ROOT, '.wrangler/large'));
const isNew = !existsSync(stateDir);
const server = await startServer({ root: ROOT, port, stateDir, bindings: { SIGN_UPS_PER_HOUR: '1000' } });
const { origin } = server;
const runnerState = join(stateDir, 'runner');
if (isNew) await fill(await signUp());
await move({ root: ROOT, origin, stateDir: runnerState });
const runner = keepRunner({ root: ROOT, stateDir: runnerState, onLine: () => undefined });
for (const email of [ACCOUNT.email, MEMBER])
  console.log(`${origin}/signin#${new URLSearchParams({ org: ACCOUNT.tenant, email, password: ACCOUNT.password })}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void runner.stop().then(() => server.stop()));

async function signUp(): Promise<Person> {
  const owner = new Person(origin);
  const { tenant: slug, email, password } = ACCOUNT;
  await owner.call('POST', '/signup', { tenant: { name: 'Meridian Rail', slug }, user: { name: 'Olga Marchetti', email, password } });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, email) });
  return owner;
}

/** Somebody who administers nothing. */
async function addMember(owner: Person): Promise<string> {
  const { link } = await owner.call<{ link: string }>('POST', '/invitations', { email: MEMBER, roles: [] });
  const person = { token: link.split('#')[1], name: 'Dana Whitfield', password: ACCOUNT.password };
  const member = new Person(origin);
  await member.call('POST', '/invitations/accept', person);
  return (await member.call<{ user: { id: string } }>('GET', '/me')).user.id;
}

/** One template that starts, to have a workspace in. */
async function makePlayground(owner: Person, userId: string): Promise<void> {
  const { id } = await owner.call<{ id: string }>('POST', '/templates', { name: 'playground', spec: { driver: 'process' } });
  const items = [{ subject: { type: 'user', id: userId }, role: 'use', expiresAt: null }];
  await owner.call('PUT', `/templates/${id}/acl`, { items }, { 'If-Match': '"1"' });
}

async function fill(owner: Person): Promise<void> {
  await makePlayground(owner, await addMember(owner));
  const me = await owner.call<{ user: { id: string }; tenant: { id: string } }>('GET', '/me');
  const database = await server.database('SHARD_0');
  const insert = async (table: string, rows: Rows) => {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const sql = `INSERT OR IGNORE INTO ${table} (tenant_id, ${columns.join(', ')}) SELECT ?1, ${columns.map((name) => `value ->> '${name}'`).join(', ')} FROM json_each(?2)`;
    for (let from = 0; from < rows.length; from += AT_ONCE)
      await database
        .prepare(sql)
        .bind(me.tenant.id, JSON.stringify(rows.slice(from, from + AT_ONCE)))
        .run();
  };
  const tables = largeOrganisation({ users: 10_000, groups: 500, templates: 1_000 }, me.user.id, Date.now());
  for (const [table, rows] of tables) await insert(table, rows);
  await enroll({ root: ROOT, origin, owner, stateDir: runnerState, name: 'build-lon-01' });
  await setPolicy(owner, '/tenant/policy', { sessionLimit: 480, idleTimeout: 60, watermark: 'on', download: 20 });
  const first = tables.find(([table]) => table === 'templates')?.[1][0]?.['id'];
  await setPolicy(owner, `/templates/${String(first)}/policy`, { download: 0, idleTimeout: 30 });
}

async function setPolicy(owner: Person, path: string, values: object): Promise<void> {
  const answer = await owner.ask('GET', path);
  await owner.call('PUT', path, { values }, { 'If-Match': answer.headers.get('ETag') ?? '' });
}
