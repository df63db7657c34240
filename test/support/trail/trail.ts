import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mailedSecret, Person } from '../../../scripts/api.ts';
import { startServer, type Server } from '../../../scripts/server.ts';
import { userOf } from '../../bench/audit/model.ts';
import { ROOT } from '../place.ts';
import type { Asked } from './shape.ts';

/**
 * The built product with an organisation whose trail is long. Its events are those of the model of the audit benchmark, spread
 * over some months up to now; their people are people of the organisation.
 */

export const OWNER = { tenant: 'meridian', email: 'owner@meridian.test', password: 'a long enough password' };
export const AUDITOR = { ...OWNER, email: 'auditor@meridian.test' };
const PEOPLE = 2_000;
/** Events that one call of the door makes. */
const AT_ONCE = 5_000;

export interface Trail extends Server {
  tenantId: string;
  /** Events that happen now, recorded at once. */
  happen(count: number): Promise<void>;
}

interface Options {
  port: number;
  /** a trail that is there already is used as it is */
  stateDir: string;
  events: number;
  days?: number;
  cronMs?: number;
  /** called with the number of events that are there */
  onProgress?: (done: number) => void;
}

export async function startTrail({ port, stateDir, events, days = 90, cronMs, onProgress }: Options): Promise<Trail> {
  const workerDir = buildWorker();
  const facts = join(stateDir, 'trail.json');
  const start = (fills: boolean) =>
    startServer({
      ...{ root: ROOT, port, stateDir, workerDir },
      bindings: { SIGN_UPS_PER_HOUR: '1000', ...(fills ? { TRAIL_FILLS: 'true' } : {}) },
      // While it is filled, nothing is swept up.
      ...(fills ? { cronMs: 24 * 3_600_000 } : cronMs === undefined ? {} : { cronMs }),
    });
  if (!existsSync(facts)) {
    const server = await start(true);
    const tenantId = await makeOrganisation(server);
    const end = Date.now();
    for (let from = 1; from <= events; from += AT_ONCE) {
      const to = Math.min(events, from + AT_ONCE - 1);
      await ask(server, { tenantId, fill: { from, to, total: events, end, days } });
      onProgress?.(to);
    }
    await server.stop();
    await writeFile(facts, JSON.stringify({ tenantId, events }));
  }
  const { tenantId, events: filled } = JSON.parse(await readFile(facts, 'utf8')) as { tenantId: string; events: number };
  const server = await start(false);
  // Beyond every number that a trail has, and other ones at each start.
  let next = filled + (Date.now() % 1e10);
  return {
    ...server,
    tenantId,
    happen: async (count) => {
      const from = next;
      next += count;
      await ask(server, { tenantId, happen: { from, count } });
    },
  };
}

function buildWorker(): string {
  const workerDir = join(ROOT, 'dist/trail');
  const built = spawnSync('wrangler', ['deploy', 'test/support/trail/worker/index.ts', '--dry-run', '--outdir', workerDir], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  });
  if (built.status !== 0) throw new Error(`The Worker of the trail does not build: ${built.stderr}`);
  return workerDir;
}

async function ask({ origin }: Server, asked: Asked): Promise<void> {
  const answer = await fetch(`${origin}/trail`, { method: 'POST', body: JSON.stringify(asked) });
  if (!answer.ok) throw new Error(`The ledger answered ${answer.status}: ${await answer.text()}`);
}

async function makeOrganisation(server: Server): Promise<string> {
  const owner = new Person(server.origin);
  const { tenant: slug, email, password } = OWNER;
  await owner.call('POST', '/signup', { tenant: { name: 'Meridian Rail', slug }, user: { name: 'Olga Marchetti', email, password } });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(server.origin, email) });
  await owner.call('POST', '/invitations', { email: AUDITOR.email, roles: ['auditor'] });
  const token = await mailedSecret(server.origin, AUDITOR.email);
  await new Person(server.origin).call('POST', '/invitations/accept', { token, name: 'Aoife Byrne', password });
  const { tenant } = await owner.call<{ tenant: { id: string } }>('GET', '/me');
  const people = Array.from({ length: PEOPLE }, (_, index) => userOf(index));
  const database = await server.database('SHARD_0');
  await database
    .prepare(
      `INSERT INTO users (tenant_id, id, name, email, state, created_at)
       SELECT ?1, value ->> 'id', value ->> 'name', value ->> 'email', 'active', ?3 FROM json_each(?2)`,
    )
    .bind(tenant.id, JSON.stringify(people), new Date().toISOString())
    .run();
  return tenant.id;
}
