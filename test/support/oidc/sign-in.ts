import { inject } from 'vitest';
import { connection, ssoStarted, type Connection, type oidcSet } from '@gatehouse/core/api/sso.ts';
import type { z } from 'zod';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { proofHeader } from '../browser-key.ts';
import { api, call, read, services, unique, type Answer, type Tenant } from '../tenants.ts';

export const REDIRECT = 'https://gatehouse.test/sso/callback';
type Config = Partial<z.input<typeof oidcSet>>;

/** A browser that keeps cookies of both sides apart. */
export class TestBrowser {
  /** of Gatehouse */
  ours = new Map<string, string>();
  /** of the provider */
  theirs = new Map<string, string>();

  get cookie(): string {
    return [...this.ours].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async ask(path: string, body: unknown): Promise<Answer> {
    const cookie = this.cookie === '' ? {} : { cookie: this.cookie };
    const answer = await call('POST', path, { ...cookie, body, headers: await proofHeader('POST', path) });
    take(this.ours, answer.headers);
    return answer;
  }

  /** Goes to the provider and comes back with what it gave. */
  async visit(url: string): Promise<Record<string, string>> {
    let next = url;
    for (let hops = 0; hops < 10; hops++) {
      if (next.startsWith(REDIRECT)) return Object.fromEntries(new URL(next).searchParams);
      const cookie = [...this.theirs].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(next, { redirect: 'manual', headers: { Cookie: cookie } });
      take(this.theirs, response.headers);
      const location = response.headers.get('Location');
      if (location === null) throw new Error(`${next} answered ${response.status}: ${(await response.text()).slice(0, 800)}`);
      next = new URL(location, next).href;
    }
    throw new Error('The provider never came back');
  }
}

function take(jar: Map<string, string>, headers: Headers): void {
  for (const line of headers.getSetCookie()) {
    const [pair = ''] = line.split(';');
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
}

/** A provider of the tenant, set up and not yet reached. */
export async function makeConnection(
  tenant: Tenant,
  config: Config,
  preset = 'other',
): Promise<{ id: string; connection: Connection; etag: string }> {
  // Straight into the store: tests of many routes share a tenant, whose providers are limited.
  const id = services().newId('identityProvider');
  const sql = 'INSERT INTO identity_providers (tenant_id, id, name, preset, created_at) VALUES (?, ?, ?, ?, ?)';
  await tenant.db.batch([statement(sql, tenant.id, id, `IdP ${unique()}`, preset, new Date().toISOString())]);
  const answer = await api(tenant.owner).put(
    `/identity-providers/${id}/oidc`,
    { issuer: inject('oidcUrl'), clientId: 'nobody', authentication: 'secret', secret: 'hush', ...config },
    { 'If-Match': '"1"' },
  );
  return { id, connection: read(answer, connection), etag: answer.headers.get('ETag') ?? '' };
}

/** The same, discovered and switched on. */
export async function connect(tenant: Tenant, config: Config, preset = 'other'): Promise<{ id: string; connection: Connection }> {
  const made = await makeConnection(tenant, config, preset);
  await api(tenant.owner).post(`/identity-providers/${made.id}/oidc/discover`);
  const on = await api(tenant.owner).post(`/identity-providers/${made.id}/oidc/state`, { state: 'on' }, { 'If-Match': made.etag });
  return { id: made.id, connection: read(on, connection) };
}

/** A client of the real provider that only this test knows, with the person who signs in. */
export async function mintClient(person: Record<string, unknown> = {}, client: Record<string, unknown> = {}) {
  const base = inject('oidcUrl');
  const clientId = `client-${unique()}`;
  const secret = `secret-${unique()}`;
  const control = async (method: string, path: string, body: unknown) => {
    const response = await fetch(`${base}/control/${clientId}${path}`, { method, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { token?: string };
  };
  const sub = `sub-${unique()}`;
  const somebody = (claims: Record<string, unknown>, acr?: string) =>
    control('PUT', '', { person: { sub, ...claims }, ...(acr ? { acr } : {}) });
  await control('PUT', '', {
    client: { client_secret: secret, redirect_uris: [REDIRECT], grant_types: ['authorization_code'], response_types: ['code'], ...client },
    person: { sub, name: 'Nadia New', ...person },
  });
  return {
    config: { issuer: base, clientId, secret, authentication: 'secret' as const },
    sub,
    issuer: base,
    change: (client: Record<string, unknown>) => control('PUT', '', { client }),
    somebody,
    logoutToken: async (about: { sub: string; sid?: string | undefined }) => (await control('POST', '/logout', about)).token ?? '',
  };
}

/** Begins to sign in. @returns the provider's address */
export async function start(browser: TestBrowser, tenant: Pick<Tenant, 'slug'>, provider: string, returnTo = '/'): Promise<string> {
  const answer = await browser.ask('/login/sso/start', { tenant: tenant.slug, provider, returnTo });
  return read(answer, ssoStarted).url;
}

/** The whole way: there, and back with what the provider gave. */
export async function signInBy(browser: TestBrowser, tenant: Pick<Tenant, 'slug'>, provider: string, returnTo = '/'): Promise<Answer> {
  const back = await browser.visit(await start(browser, tenant, provider, returnTo));
  return browser.ask('/login/sso', finishOf(back));
}

/** What the page sends of what came back. */
export const finishOf = ({ error_description: errorDescription, ...back }: Record<string, string>): Record<string, string> => ({
  ...back,
  ...(errorDescription === undefined ? {} : { errorDescription }),
});
