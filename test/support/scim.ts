import { exports } from 'cloudflare:workers';
import { PATCH_SCHEMA } from '@gatehouse/core/scim/patch-request.ts';
import { GROUP_SCHEMA, USER_SCHEMA } from '@gatehouse/core/scim/schema.ts';
import type { Services } from '../../worker/platform/context.ts';
import { mintCredential } from '../../worker/platform/credential.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { serveScim } from '../../worker/scim/scim-app.ts';
import { makeProvider } from './providers.ts';
import { ORIGIN, services, unique, type Tenant } from './tenants.ts';

export interface Directory {
  /** of the identity provider */
  id: string;
  name: string;
  tokenId: string;
  secret: string;
}

export interface ScimAnswer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads whatever it expects
  body: any;
}

/** An identity provider that provisions, straight into the store. */
export async function addDirectory(tenant: Tenant, facts: { expiresAt?: string; revokedAt?: string } = {}): Promise<Directory> {
  const { newId, random } = services();
  const [tokenId, name] = [newId('scimToken'), `Directory ${unique()}`];
  const id = await makeProvider(tenant, name);
  const { text, hash } = await mintCredential('scim', { shard: tenant.shard, tenantId: tenant.id }, random);
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO scim_tokens (tenant_id, id, provider_id, secret_hash, created_at, created_by, expires_at, revoked_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[tenant.id, tokenId, id, hash, now, tenant.owner.id, facts.expiresAt ?? null, facts.revokedAt ?? null],
    ),
  ]);
  return { id, name, tokenId, secret: text };
}

/** A domain that the organisation has proved, given to that provider. */
export const ownDomain = (tenant: Tenant, domain: string, providerId: string | null = null) =>
  tenant.db.batch([
    statement(
      'INSERT INTO mail_domains (tenant_id, domain, challenge, verified_at, provider_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?4)',
      ...[tenant.id, domain, 'proof', new Date().toISOString(), providerId],
    ),
  ]);

type Send = (request: Request) => Promise<Response>;
const product: Send = (request) => exports.default.fetch(request);
/** The product with other services, to count what it does. */
export const withServices =
  (changed: Services): Send =>
  (request) =>
    serveScim(changed, request);

/** Asks as that directory would. `path` is below /scim/v2. */
export function scim({ secret }: Pick<Directory, 'secret'>, send: Send = product) {
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ScimAnswer> => {
    const sent = {
      Authorization: `Bearer ${secret}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/scim+json' }),
      ...headers,
    };
    const content = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    const response = await send(new Request(`${ORIGIN}/scim/v2${path}`, { method, headers: sent, body: content }));
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : (JSON.parse(text) as unknown) };
  };
  const as =
    (method: string) =>
    (path: string, body?: unknown, headers?: Record<string, string>): Promise<ScimAnswer> =>
      ask(method, path, body, headers);
  return {
    ...{ get: (path: string, headers?: Record<string, string>) => ask('GET', path, undefined, headers) },
    ...{
      post: as('POST'),
      put: as('PUT'),
      delete: (path: string, headers?: Record<string, string>) => ask('DELETE', path, undefined, headers),
    },
    raw: as('PATCH'),
    patch: (path: string, ...Operations: unknown[]) => ask('PATCH', path, { schemas: [PATCH_SCHEMA], Operations }),
  };
}
export type Scim = ReturnType<typeof scim>;

export const filtered = (endpoint: string, filter: string, more = '') => `${endpoint}?filter=${encodeURIComponent(filter)}${more}`;

/** A person as Okta would send them. */
export const userBody = (name: string, more: Record<string, unknown> = {}) => ({
  schemas: [USER_SCHEMA],
  userName: `${name}@corp.test`,
  name: { givenName: name, familyName: 'Doe' },
  emails: [{ primary: true, value: `${name}@corp.test`, type: 'work' }],
  displayName: `${name} Doe`,
  active: true,
  ...more,
});
export const groupBody = (displayName: string, members: string[] = []) => ({
  schemas: [GROUP_SCHEMA],
  displayName,
  members: members.map((value) => ({ value })),
});

/** The id of somebody new. */
export const made = async (work: Promise<ScimAnswer>): Promise<string> => {
  const { status, body } = await work;
  if (status !== 201) throw new Error(`Was not made: ${status} ${JSON.stringify(body)}`);
  return String(body.id);
};
