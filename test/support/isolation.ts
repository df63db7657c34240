import { env } from 'cloudflare:workers';
import { ID_PREFIXES, type IdKind } from '@gatehouse/core/ids.ts';
import { ledgerOf } from '../../worker/compose.ts';
import { encodeCursor } from '../../worker/platform/route.ts';
import type { Chance } from './chance.ts';
import type { RouteCase } from './refusals.ts';
import { call, services, type Answer, type Person, type Tenant } from './tenants.ts';

/** Ids by kind: a victim's own, or some of the same kinds that nobody has. */
export type Ids = Partial<Record<IdKind, string>>;

const ID = new RegExp(`^(${Object.values(ID_PREFIXES).join('|')})_[0-7][0-9a-hjkmnp-tv-z]{25}$`);
const KINDS = Object.keys(ID_PREFIXES) as IdKind[];
const kindOf = (id: string) => KINDS.find((kind) => ID_PREFIXES[kind] === id.slice(0, id.indexOf('_')));

export const nobodysIds = (like: Ids): Ids =>
  Object.fromEntries((Object.keys(like) as IdKind[]).map((kind) => [kind, services().newId(kind)]));

/** Every id that a tenant's rows hold, one of each kind: whatever table comes to be, its ids are tried. */
export async function idsOf(tenant: Tenant): Promise<Ids> {
  const ids: Ids = {};
  for (const rows of Object.values(await rowsOf(tenant)))
    for (const value of rows.flatMap((row) => Object.values(row)))
      if (typeof value === 'string' && ID.test(value)) {
        const kind = kindOf(value);
        if (kind) ids[kind] ??= value;
      }
  return ids;
}

async function rowsOf(tenant: Tenant): Promise<Record<string, Array<Record<string, unknown>>>> {
  const { results } = await env.SHARD_0.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%tenant_id%' ORDER BY name`,
  ).all<{ name: string }>();
  const found: Record<string, Array<Record<string, unknown>>> = {};
  for (const { name } of results)
    found[name] = (await env.SHARD_0.prepare(`SELECT * FROM ${name} WHERE tenant_id = ?`).bind(tenant.id).all()).results as Array<
      Record<string, unknown>
    >;
  return found;
}

/** All that is kept of a tenant: its rows in every table, and the head of its ledger. */
export async function stateOf(tenant: Tenant): Promise<{ rows: unknown; ledger: unknown; directory: unknown }> {
  const { size, root } = await ledgerOf(env, services().settings, tenant.shard, tenant.id).status();
  const directory = await env.DIRECTORY.prepare('SELECT * FROM tenants WHERE id = ?').bind(tenant.id).all();
  return { rows: await rowsOf(tenant), ledger: { size, root }, directory: directory.results };
}

/** One request, told apart from another only by the ids in it. */
export type Attempt = (ids: Ids) => { method: string; path: string; body?: unknown; headers?: Record<string, string> };

/** Bodies that name things by ids, of routes whose line in the table has a body without any. */
const NAMING: Record<string, (id: (kind: IdKind) => string) => unknown> = {
  'PUT /api/v1/templates/:id/acl': (id) => ({
    items: [
      { subject: { type: 'user', id: id('user') }, role: 'use' },
      { subject: { type: 'group', id: id('group') }, role: 'use' },
    ],
  }),
  'POST /api/v1/invitations': (id) => ({ email: 'named@refused.test', roles: [id('role')], groups: [id('group')] }),
  'POST /api/v1/workspaces': (id) => ({
    ...{ templateId: id('template'), versionId: id('templateVersion'), runnerId: id('runner'), name: 'box' },
  }),
  'POST /api/v1/templates/:id/dry-run': (id) => ({ versionId: id('templateVersion') }),
  'POST /api/v1/workspaces/:id/update': (id) => ({ versionId: id('templateVersion') }),
};

/**
 * Every request that a route understands with somebody's ids in every place that takes one: in the path, in each of its query
 * parameters, in a cursor, and in the body.
 * @param query names of the route's query parameters
 */
export function attemptsOn(route: string, line: RouteCase, query: readonly string[]): Attempt[] {
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern.replace('/api/v1', '');
  const base = (ids: Ids) => ({
    method,
    path: path.replaceAll(
      /:(\w+)/g,
      (_, name: string) => line.rest?.[name] ?? (line.id ? (ids[line.id] ?? services().newId(line.id)) : 'x'),
    ),
    ...(line.headers ? { headers: line.headers } : {}),
    ...(line.body ? { body: withIds(line.body, ids) } : {}),
  });
  const queries = query.flatMap((name) =>
    KINDS.map((kind): Attempt => (ids) => {
      const id = ids[kind] ?? services().newId(kind);
      const value = name === 'cursor' ? encodeCursor([id]) : id;
      return { ...base(ids), path: `${base(ids).path}?${name}=${encodeURIComponent(value)}` };
    }),
  );
  const naming = NAMING[route];
  const named: Attempt[] = naming ? [(ids) => ({ ...base(ids), body: naming((kind) => ids[kind] ?? services().newId(kind)) })] : [];
  return [base, ...queries, ...named];
}

/** The value with each id in it replaced by the given one of its kind. */
function withIds(value: unknown, ids: Ids): unknown {
  if (typeof value === 'string') {
    const kind = ID.test(value) ? kindOf(value) : undefined;
    return kind ? (ids[kind] ?? value) : value;
  }
  if (Array.isArray(value)) return value.map((each) => withIds(each, ids));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withIds(each, ids)]));
}

/** An answer without what differs from one request to the next: its own ids and times, and those that were sent. */
export function comparable(answer: Answer, sent: Ids): { status: number; body: string } {
  let body = JSON.stringify(answer.body) ?? '';
  for (const id of Object.values(sent)) body = body.replaceAll(id, '<sent>');
  return { status: answer.status, body: body.replaceAll(/"(requestId|time|now)":"[^"]*"/g, '"$1":""') };
}

/** Sends it as that person. */
export const attempt = (made: ReturnType<Attempt>, person: Pick<Person, 'cookie'>): Promise<Answer> => {
  const { method, path, ...rest } = made;
  return call(method, path, { cookie: person.cookie, ...rest });
};

/** The same list in another order, by chance. */
export function shuffled<T>(list: readonly T[], chance: Chance): T[] {
  return list
    .map((each) => ({ each, at: chance.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}
