import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { Answer } from './tenants.ts';

/** A text that must be nowhere. Kinds that are kept in a place of their own name it in `KEPT`. */
export interface Secret {
  kind: string;
  text: string;
}

/** Fields of bodies, asked or answered, that hold what nobody else may read. */
const FIELDS: ReadonlySet<string> = new Set([
  ...['password', 'current', 'code', 'secret', 'token', 'challenge', 'ticket', 'grant', 'link', 'command', 'uri', 'recoveryCodes'],
  ...['environment', 'signature', 'clientDataJSON', 'cookie', 'authorization', 'dpop', 'set-cookie'],
]);

/**
 * Where a secret may lie as it is: versions of templates hold what their workspaces get, and on one's own machine the mails that nobody
 * sends lie in the database of the directory.
 */
const KEPT: Record<string, readonly string[]> = {
  environment: ['SHARD_0.template_versions'],
  link: ['DIRECTORY.local_mails'],
  token: ['DIRECTORY.local_mails'],
};

/** What is secret of a value: of credentials their last part, for the ones before say where they belong. */
function secretOf(field: string, value: string): string[] {
  switch (field) {
    case 'link':
    case 'token':
    case 'challenge':
    case 'ticket':
    case 'grant':
    case 'authorization':
    case 'dpop':
      return [value.split('.').at(-1) ?? value];
    case 'cookie':
    case 'set-cookie':
      return [value.split(';')[0]?.split('.').at(-1) ?? value];
    case 'command':
      return [/--code \S+\.(\S+)/.exec(value)?.[1] ?? value];
    case 'uri':
      return [new URL(value).searchParams.get('secret') ?? value];
    case 'recoveryCodes':
      return [value, value.replaceAll('-', '')];
    // Six digits are found in any number: as a text of its own they are a code.
    case 'code':
      return [/^\d{6}$/.test(value) ? `"${value}"` : (value.split('.').at(-1) ?? value)];
    default:
      return [value];
  }
}

/** Every secret in a body or in headers, however deep. */
export function secretsIn(value: unknown, field = ''): Secret[] {
  if (typeof value === 'string') return FIELDS.has(field) ? secretOf(field, value).map((text) => ({ kind: field, text })) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const inherits = Array.isArray(value) || field === 'environment';
    return secretsIn(inner, inherits ? field : FIELDS.has(key) || FIELDS.has(key.toLowerCase()) ? key : '');
  });
}

const lowered = (headers: Headers | Record<string, string>) =>
  Object.fromEntries([...new Headers(headers)].filter(([name]) => FIELDS.has(name)));

export const secretsOfCall = (body: unknown, headers: Record<string, string>, answer: Answer): Secret[] =>
  [...secretsIn(body), ...secretsIn(lowered(headers)), ...secretsIn(answer.body), ...secretsIn(lowered(answer.headers))].filter(
    ({ text }) => text.length >= 8,
  );

const bytesAsText = (_key: string, value: unknown): unknown =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? new TextDecoder('latin1').decode(value as ArrayBuffer) : value;
const textOf = (rows: unknown): string => JSON.stringify(rows, bytesAsText);

async function d1(name: 'DIRECTORY' | 'SHARD_0'): Promise<Array<[string, string]>> {
  const { results } = await env[name]
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'")
    .all<{ name: string }>();
  const dump = async (table: string): Promise<[string, string]> => [
    `${name}.${table}`,
    textOf((await env[name].prepare(`SELECT * FROM "${table}"`).all()).results),
  ];
  return Promise.all(results.map((row) => dump(row.name)));
}

const OBJECTS = ['AUDIT_LEDGER', 'RUNNER', 'WORKSPACE', 'THROTTLE', 'HASHER'] as const;
const namespaceOf = (name: (typeof OBJECTS)[number]) => env[name] as unknown as DurableObjectNamespace;

/** The objects that there are by now. */
export async function objectIds(): Promise<ReadonlySet<string>> {
  const ids = await Promise.all(OBJECTS.map((name) => listDurableObjectIds(namespaceOf(name))));
  return new Set(ids.flat().map(String));
}

async function objects(name: (typeof OBJECTS)[number], before: ReadonlySet<string>): Promise<Array<[string, string]>> {
  const namespace = namespaceOf(name);
  const found: Array<[string, string]> = [];
  for (const id of await listDurableObjectIds(namespace)) {
    if (before.has(String(id))) continue;
    const rows = await runInDurableObject(namespace.get(id), (_object, { storage }) => {
      const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      const own = tables.filter((table) => !/^(_cf|sqlite)/.test(table.name));
      return textOf([own.map((table) => storage.sql.exec(`SELECT * FROM "${table.name}"`).toArray()), [...storage.kv.list()]]);
    });
    found.push([`${name} ${id.toString()}`, rows]);
  }
  return found;
}

async function archive(): Promise<Array<[string, string]>> {
  const { objects: files } = await env.AUDIT_ARCHIVE.list();
  return Promise.all(
    files.map(async ({ key }): Promise<[string, string]> => {
      const body = (await env.AUDIT_ARCHIVE.get(key))?.body;
      if (!body) return [key, ''];
      const plain = key.endsWith('.gz') ? body.pipeThrough(new DecompressionStream('gzip')) : body;
      return [`AUDIT_ARCHIVE ${key}`, await new Response(plain).text()];
    }),
  );
}

/**
 * All that is kept anywhere, as text, by the place where it lies.
 * @param before objects that are left out: other organisations’, which were there when the test began
 */
export async function everything(before: ReadonlySet<string>): Promise<Map<string, string>> {
  const kept = [...(await d1('DIRECTORY')), ...(await d1('SHARD_0')), ...(await archive())];
  for (const name of OBJECTS) kept.push(...(await objects(name, before)));
  return new Map(kept);
}

/** Where any of the secrets lies and must not, each told once. The secret itself is not told. */
export function findings(secrets: readonly Secret[], places: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  for (const [place, content] of places)
    for (const { kind, text } of secrets) {
      if (!KEPT[kind]?.includes(place) && content.includes(text)) found.add(`${kind} in ${place}`);
    }
  return [...found];
}
