import { env, exports } from 'cloudflare:workers';
import type { z } from 'zod';
import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { SCOPES, type Scope } from '@gatehouse/core/access/scopes.ts';
import { draftEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { Problem } from '@gatehouse/core/api/common.ts';
import { compose, ledgerOf } from '../../worker/compose.ts';
import { signUp } from '../../worker/identity/sign-up.ts';
import type { RequestFacts, Services } from '../../worker/platform/context.ts';
import { mintCredential } from '../../worker/platform/credential.ts';
import type { EventQuery } from '../../worker/platform/objects.ts';
import type { Proof } from '../../worker/platform/proof.ts';
import { statement, type TenantDb } from '../../worker/platform/tenant-db.ts';
import { BROWSER_THUMBPRINT } from './browser-key.ts';

export const ORIGIN = 'https://gatehouse.test';
export const PASSWORD = 'correct horse battery';
/** PASSWORD as sign-up stores it, hashed once and for all: a hash costs a quarter of a second. */
const PASSWORD_HASH = '$scrypt$ln=8,r=8,p=3$Z2F0ZWhvdXNlLXRlc3RzIQ$WYW9yCdOaOqS5cG_df9oMuO6s48rZivDwC0QLTEIJS8';

export interface Person {
  /** what a browser would send */
  cookie: string;
  sessionId: string;
  id: string;
  name: string;
  email: string;
  password: string;
}

export interface Tenant {
  id: string;
  slug: string;
  name: string;
  shard: string;
  db: TenantDb;
  owner: Person;
}

/** The product's own services, for what no route does. Deferred work is not waited for. */
export const services = (): Services => compose(env, () => {});

/** What a use case that is called directly knows of its request. */
export const requestFrom = (ip: string | null = null): RequestFacts => ({
  id: services().newId('request'),
  method: 'POST',
  route: '/api/v1/test',
  origin: { ip, userAgent: null, browser: null, os: null, device: null, country: null, city: null, asn: null },
});

/** Unlike any other in the file: storage is shared by its tests. */
export const unique = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 12);

export interface Answer {
  status: number;
  headers: Headers;
  /** the parsed body, text where it is no JSON; null when there is none */
  body: unknown;
}

interface Call {
  cookie?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Asks the Worker as a page of its own origin would. `path` is below /api/v1. */
export async function call(method: string, path: string, { cookie, body, headers = {} }: Call = {}): Promise<Answer> {
  const sent = new Headers({ Origin: ORIGIN, ...(cookie === undefined ? {} : { Cookie: cookie }), ...headers });
  if (body !== undefined && !sent.has('Content-Type')) sent.set('Content-Type', 'application/json');
  const content = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await exports.default.fetch(new Request(`${ORIGIN}/api/v1${path}`, { method, headers: sent, body: content }));
  // A stream of events has no end.
  const endless = /\bevent-stream\b/.test(response.headers.get('Content-Type') ?? '');
  if (endless) await response.body?.cancel();
  const text = endless ? '' : new TextDecoder().decode(await response.arrayBuffer());
  const isJson = /\bjson\b/.test(response.headers.get('Content-Type') ?? '');
  return { status: response.status, headers: response.headers, body: text === '' ? null : isJson ? JSON.parse(text) : text };
}

/** Requests as one person: `api(tenant.owner).post('/invitations', { email })`. */
export function api(person: Pick<Person, 'cookie'>) {
  const as = (method: string) => (path: string, body?: unknown, headers?: Record<string, string>) =>
    call(method, path, { cookie: person.cookie, body, ...(headers ? { headers } : {}) });
  return { get: as('GET'), post: as('POST'), put: as('PUT'), patch: as('PATCH'), delete: as('DELETE') };
}

/** The answer's body as the contract says it; throws where it says otherwise. */
export const read = <T extends z.ZodType>(answer: Answer, schema: T): z.infer<T> => schema.parse(answer.body);
export const problem = (answer: Answer): Problem => answer.body as Problem;

/** The cookie that an answer sets, as a browser would send it back. */
export function cookieOf(answer: Answer): string {
  const [pair] = (answer.headers.get('Set-Cookie') ?? '').split(';');
  if (!pair?.startsWith('__Host-gatehouse=')) throw new Error(`No session was set: ${answer.status} ${JSON.stringify(answer.body)}`);
  return pair;
}

/**
 * A new organisation with its owner, by the product's own sign-up; only the hash of the password was made
 * beforehand. @param options.verified the owner's address, true unless said
 */
export async function mintTenant(options: { slug?: string; verified?: boolean } = {}): Promise<Tenant> {
  const slug = options.slug ?? `t-${unique()}`;
  const owner = { name: 'Olga Owner', email: `owner@${slug}.test`, password: PASSWORD };
  const tenant = { name: `Tenant ${slug}`, slug };
  const hashed: Services = { ...services(), hashing: { derive: async () => new Uint8Array(32) } };
  const request = { ...requestFrom(), proof: testProof() };
  const { me, credential } = await signUp(hashed, request, { tenant: { ...tenant, region: 'auto' }, user: owner });
  const db = services().tenantDb('s0', me.tenant.id);
  const verifiedAt = options.verified === false ? null : new Date().toISOString();
  await db.batch([
    statement(
      'UPDATE users SET password_hash = ?, email_verified_at = ? WHERE tenant_id = ? AND id = ?',
      ...[PASSWORD_HASH, verifiedAt, db.tenantId, me.user.id],
    ),
  ]);
  const person = { ...owner, id: me.user.id, cookie: `__Host-gatehouse=${credential}`, sessionId: me.session.id };
  return { ...tenant, id: me.tenant.id, shard: 's0', db, owner: person };
}

/** Another person of the tenant with these roles and a session, straight into the store: no hashing, no mail. */
export async function addUser(tenant: Tenant, roles: Array<Exclude<BuiltInRole, 'member'>> = [], name = 'Pat Person'): Promise<Person> {
  const { newId } = services();
  const id = newId('user');
  const now = new Date().toISOString();
  const email = `${unique()}@${tenant.slug}.test`;
  await tenant.db.batch([
    statement(
      `INSERT INTO users (tenant_id, id, email, name, state, password_hash, email_verified_at, created_at) VALUES (?, ?, ?, ?, 'active', ?, ?, ?)`,
      ...[tenant.id, id, email, name, PASSWORD_HASH, now, now],
    ),
    ...roles.map((role) =>
      statement(
        `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, ?, 'user', ?, ?)`,
        ...[tenant.id, newId('roleAssignment'), role, id, now],
      ),
    ),
  ]);
  return { id, name, email, password: PASSWORD, ...(await addSession(tenant, id)) };
}

/** The proof of the tests' browser, as the Worker has read and not yet used it. */
const testProof = (): Proof => ({
  good: true,
  thumbprint: BROWSER_THUMBPRINT,
  id: unique(),
  expiresAt: new Date(Date.now() + 120_000).toISOString(),
});

/** A session of that person, as sign-in would have begun it at `from`. @param keyThumbprint of its browser's key; null: none */
export async function addSession(
  tenant: Tenant,
  userId: string,
  from = new Date(),
  keyThumbprint: string | null = BROWSER_THUMBPRINT,
): Promise<{ cookie: string; sessionId: string }> {
  const { newId, random } = services();
  const sessionId = newId('session');
  const { text, hash } = await mintCredential('session', { shard: tenant.shard, tenantId: tenant.id }, random);
  const ends = new Date(from.getTime() + 12 * 3_600_000).toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO sessions (tenant_id, id, secret_hash, user_id, created_at, last_seen_at, authenticated_at, expires_at, key_thumbprint)
       VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?6, ?7)`,
      ...[tenant.id, sessionId, hash, userId, from.toISOString(), ends, keyThumbprint],
    ),
  ]);
  return { cookie: `__Host-gatehouse=${text}`, sessionId };
}

/** An API token of that owner, straight into the store, as making one would have left it. */
export async function addToken(
  tenant: Tenant,
  owner: { id: string },
  facts: { scopes?: readonly Scope[]; networks?: string[]; expiresAt?: string; revokedAt?: string } = {},
): Promise<{ id: string; secret: string; headers: { Authorization: string; Origin: string } }> {
  const { newId, random } = services();
  const id = newId('token');
  const { text, hash } = await mintCredential('token', { shard: tenant.shard, tenantId: tenant.id }, random);
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO api_tokens (tenant_id, id, secret_hash, owner_type, owner_id, name, scopes, networks, created_at, created_by, expires_at, revoked_at)
       VALUES (?, ?, ?, ?, ?, 'ci', ?, ?, ?, ?, ?, ?)`,
      ...[tenant.id, id, hash, owner.id.startsWith('sva_') ? 'service-account' : 'user', owner.id],
      ...[JSON.stringify(facts.scopes ?? Object.keys(SCOPES)), JSON.stringify(facts.networks ?? []), now, owner.id],
      ...[facts.expiresAt ?? new Date(Date.now() + 86_400_000).toISOString(), facts.revokedAt ?? null],
    ),
  ]);
  // A token is sent by a program, which has no page: where it says it comes from must not matter.
  return { id, secret: text, headers: { Authorization: `Bearer ${text}`, Origin: 'https://ci.test' } };
}

/**
 * Events that the tenant's changes committed, oldest first. They lie in the outbox until the ledger holds
 * them, so the ledger is read after it: an event on its way is seen twice, never missed.
 */
export async function eventsOf(tenant: { db: TenantDb }): Promise<DraftEvent[]> {
  return parsed(await bodiesOf(tenant, { limit: 1000, order: 'asc', by: 'seq' }));
}

async function bodiesOf({ db }: { db: TenantDb }, query: EventQuery): Promise<string[]> {
  const rows = await db.rows<{ body: string }>(
    'SELECT value AS body FROM outbox, json_each(outbox.body) WHERE tenant_id = ? ORDER BY outbox.id',
    db.tenantId,
  );
  const { bodies } = await ledgerOf(env, services().settings, db.shard, db.tenantId).query(query);
  return [...bodies, ...rows.map(({ body }) => body)];
}

function parsed(bodies: string[]): DraftEvent[] {
  const all = new Map(bodies.map((body) => draftEvent.parse(JSON.parse(body))).map((event) => [event.id, event]));
  return [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The event of that answer: the ids of request and event are the same. What was found because of it has that id, too.
 * Looked for among the tenant's newest, further back only where it is not found: in a long suite reading them takes the most time.
 */
export async function eventOfAnswer(tenant: { db: TenantDb }, answer: Answer): Promise<DraftEvent | undefined> {
  const requestId = answer.headers.get('X-Request-Id') ?? '';
  for (const limit of [10, 200]) {
    const bodies = await bodiesOf(tenant, { limit, order: 'desc', by: 'seq' });
    const about = parsed(bodies.filter((body) => body.includes(requestId)));
    const found = about.find((event) => event.requestId === requestId && event.action !== 'finding.open');
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The events that belong to no tenant. */
export const systemLog = (): { db: TenantDb } => ({ db: services().systemDb });

/** The newest mail to that address. */
export async function mailTo(address: string): Promise<{ subject: string; text: string } | null> {
  return env.DIRECTORY.prepare('SELECT subject, text FROM local_mails WHERE recipient = ? ORDER BY id DESC LIMIT 1').bind(address).first();
}

/** The secret of the link in a mail or an answer. */
export function fragmentOf(text: string): string {
  const found = /#(\S+)/.exec(text)?.[1];
  if (found === undefined) throw new Error('There is no link with a fragment');
  return found;
}
