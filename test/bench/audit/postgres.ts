import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { until } from '../measure.ts';
import { packageFolder } from '../peers.ts';
import { freePort } from '../../support/place.ts';
import { endOf, startListening } from '../local-server.ts';
import { factsOf } from './model.ts';

/**
 * The peer: a table of events in PostgreSQL, with the columns and indexes, the joins, the paging by offset and the count
 * capped at 2,000 that the reference product has. It has the columns alone, no JSON of the whole event, no proof, and is asked
 * through one kept connection without a server before it.
 */
export interface Postgres {
  /** Adds the events of those numbers. @returns milliseconds */
  fill(from: number, to: number): Promise<number>;
  /** A page and its count, as they are asked for together. @returns ids of the page */
  page(condition: string, values: unknown[], offset?: number): Promise<string[]>;
  /** bytes of the table with its indexes */
  size(): Promise<number>;
  stop(): Promise<void>;
}

const COUNT_CAP = 2_000;
const PAGE = 25;
const ROWS_AT_ONCE = 5_000;

const SCHEMA = `
CREATE TABLE users (id text PRIMARY KEY, username text NOT NULL, email text NOT NULL);
CREATE TABLE organizations (id text PRIMARY KEY, name text NOT NULL);
INSERT INTO organizations VALUES ('org', 'Bench');
CREATE TABLE audit_logs (
  id text PRIMARY KEY, "time" timestamptz NOT NULL, user_id text NOT NULL, organization_id text NOT NULL,
  ip inet, user_agent text, resource_type text NOT NULL, resource_id text NOT NULL, resource_target text NOT NULL,
  action text NOT NULL, diff jsonb NOT NULL, status_code integer NOT NULL, additional_fields jsonb NOT NULL,
  request_id text NOT NULL, resource_icon text NOT NULL
);
CREATE INDEX ON audit_logs ("time" DESC);
CREATE INDEX ON audit_logs (organization_id);
CREATE INDEX ON audit_logs (resource_id);
CREATE INDEX ON audit_logs (user_id);`;

const FROM = `FROM audit_logs a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN organizations o ON o.id = a.organization_id`;

interface Client {
  connect(): Promise<void>;
  query(text: string, values?: unknown[]): Promise<{ rows: Array<Record<string, unknown>> }>;
  end(): Promise<void>;
}

/** Null, after saying so, where PostgreSQL or its client is missing. */
export async function postgres(install: boolean): Promise<Postgres | null> {
  const programs = programsFolder();
  const folder = programs && (await packageFolder('pg', '8.23.1', install, []));
  if (!programs || !folder) {
    const missing = programs
      ? 'Its client is not installed (npm run bench -- audit --peers)'
      : 'IT IS NOT INSTALLED (apt-get install postgresql)';
    process.stdout.write(`\n  PostgreSQL: ${missing}: no figures of it.\n\n`);
    return null;
  }
  const { port, stop } = await startServer(programs);
  const { Client: Pg } = createRequire(join(folder, 'package.json'))('pg') as { Client: new (options: object) => Client };
  const client = await connect(() => new Pg({ host: '127.0.0.1', port, user: 'bench', database: 'postgres' }));
  await client.query(SCHEMA);
  return {
    fill: (from, to) => fill(client, from, to),
    page: (condition, values, offset = 0) => page(client, condition, values, offset),
    size: async () => Number((await client.query(`SELECT pg_total_relation_size('audit_logs') AS size`)).rows[0]?.['size']),
    stop: async () => {
      await client.end();
      await stop();
    },
  };
}

/** It listens before it answers. */
async function connect(client: () => Client): Promise<Client> {
  let connected: Client | undefined;
  await until('PostgreSQL answers', async () => {
    const tried = client();
    connected = await tried.connect().then(
      () => tried,
      () => undefined,
    );
    return connected !== undefined;
  });
  if (!connected) throw new Error('PostgreSQL does not answer');
  return connected;
}

function programsFolder(): string | null {
  const versions = '/usr/lib/postgresql';
  const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : undefined;
  return newest === undefined ? null : join(versions, newest, 'bin');
}

/** A cluster of its own, with PostgreSQL's own settings; it never runs as root. */
async function startServer(programs: string): Promise<{ port: number; stop(): Promise<void> }> {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'bench-postgres-'))];
  const asOther = process.getuid?.() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
  await chmod(folder, 0o777);
  const run = (program: string, args: string[]) => [...asOther, join(programs, program), ...args];
  const [init = '', ...initArgs] = run('initdb', ['-D', join(folder, 'data'), '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
  const { status, stderr } = spawnSync(init, initArgs, { encoding: 'utf8', cwd: folder });
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  const [server = '', ...args] = run('postgres', ['-D', join(folder, 'data'), '-p', String(port), '-k', folder, '-h', '127.0.0.1']);
  const child: ChildProcess = spawn(server, args, { stdio: 'ignore', cwd: folder });
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    await endOf(child);
    await rm(folder, { recursive: true, force: true });
  };
  await startListening('PostgreSQL', port, stop);
  return { port, stop };
}

async function fill(client: Client, from: number, to: number): Promise<number> {
  const start = performance.now();
  for (let first = from; first <= to; first += ROWS_AT_ONCE) {
    const facts = Array.from({ length: Math.min(ROWS_AT_ONCE, to - first + 1) }, (_, index) => factsOf(first + index));
    const columns = [
      facts.map(({ id }) => id),
      facts.map(({ at }) => new Date(at).toISOString()),
      facts.map(({ userId }) => userId),
      facts.map(({ ip }) => ip),
      facts.map(({ resourceType }) => resourceType),
      facts.map(({ resourceId }) => resourceId),
      facts.map(({ resourceName }) => resourceName),
      facts.map(({ action }) => action),
      facts.map(({ outcome }) => (outcome === 'success' ? 200 : 403)),
    ];
    await client.query(
      `INSERT INTO audit_logs SELECT id, at::timestamptz, user_id, 'org', ip::inet, 'Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0', type,
         resource_id, name, action, '{}', status, '{}', 'req_' || id, ''
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[])
         AS rows (id, at, user_id, ip, type, resource_id, name, action, status)`,
      columns,
    );
  }
  await client.query(
    `INSERT INTO users SELECT DISTINCT user_id, 'name of ' || user_id, user_id || '@bench.test' FROM audit_logs ON CONFLICT DO NOTHING`,
  );
  await client.query('VACUUM ANALYZE audit_logs');
  return performance.now() - start;
}

async function page(client: Client, condition: string, values: unknown[], offset: number): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT a.*, u.username, u.email, o.name ${FROM} WHERE ${condition} ORDER BY a."time" DESC LIMIT ${PAGE} OFFSET ${offset}`,
    values,
  );
  await client.query(`SELECT count(*) FROM (SELECT 1 ${FROM} WHERE ${condition} LIMIT ${COUNT_CAP + 1}) AS capped`, values);
  return rows.map(({ id }) => String(id));
}
