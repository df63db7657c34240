import { createExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { servePage } from '../../../worker/pages.ts';
import { parseSettings } from '../../../worker/platform/env.ts';
import { ORIGIN } from '../../support/tenants.ts';

const get = (path: string, origin = ORIGIN) => exports.default.fetch(new Request(`${origin}${path}`, { redirect: 'manual' }));
const nonceOf = (response: Response) => /'nonce-([^']+)'/.exec(response.headers.get('Content-Security-Policy') ?? '')?.[1] ?? '';

describe('the web app', () => {
  test('every path is the page, with a nonce of its own in policy and markup', async () => {
    const [first, second] = await Promise.all([get('/'), get('/w/wsp_anything')]);
    const html = await first.text();
    expect(nonceOf(first)).not.toBe(nonceOf(second));
    expect(html).toContain(`nonce="${nonceOf(first)}"`);
    expect(html).not.toContain('%gatehouse.nonce%');
  });

  test('the page of a workspace names at once what the IDE begins with, other pages only what all begin with', async () => {
    const [ide, other] = await Promise.all(['/w/wsp_anything', '/workspaces'].map(async (path) => (await get(path)).text()));
    const names = (html = '') => html.match(/rel="modulepreload"/g)?.length ?? 0;
    expect(names(ide)).toBeGreaterThan(names(other));
    expect(ide).toContain('href="/api/v1/me"');
    expect(other).not.toContain('href="/api/v1/me"');
  });

  test('nothing but its own origin may be loaded, and nobody may frame it', async () => {
    const policy = (await get('/')).headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/'unsafe-|https:|\*/);
  });

  test('a script that is not there is 404, not the page', async () => {
    const response = await get('/_app/immutable/gone.js');
    expect(response.status).toBe(404);
    expect(response.headers.get('Content-Type')).toContain('text/plain');
  });

  test('locally the number leads to the name, to which cookies and passkeys belong', async () => {
    const response = await get('/signin?x=1', 'http://127.0.0.1:8787');
    expect(response.status).toBe(307);
    expect(response.headers.get('Location')).toBe(`${ORIGIN}/signin?x=1`);
  });

  test('deployed, the browser is told to stay with https', async () => {
    const deployed = { ...env, ENVIRONMENT: 'deployed', PASSWORD_COST: '15', ORIGIN: 'https://gatehouse.corp.test' };
    const response = await servePage(new Request('https://gatehouse.corp.test/'), deployed);
    expect(response.headers.get('Strict-Transport-Security')).toContain('max-age=');
  });
});

test('a deployment that is not set up serves nothing, and does not say what it lacks to strangers', async () => {
  const { default: worker } = await import('../../../worker/index.ts');
  const context = createExecutionContext();
  const response = await worker.fetch(
    new Request<unknown, IncomingRequestCfProperties>(`${ORIGIN}/api/v1/health`),
    Object.assign({ ...env }, { KEK: 'REPLACE' }),
    context,
  );
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('KEK');
});

describe('a deployment does not start', () => {
  const good = { ...env, ENVIRONMENT: 'deployed', ORIGIN: 'https://gatehouse.corp.test', PASSWORD_COST: '15' };

  test('unless every secret is there and none is a placeholder', () => {
    expect(parseSettings(good).ORIGIN).toBe('https://gatehouse.corp.test');
  });

  test('and has no web apps unless it names a domain for them; locally they are below its own', () => {
    expect(parseSettings(good).APPS_DOMAIN).toBeNull();
    expect(parseSettings({ ...good, APPS_DOMAIN: 'Apps.Example.net' }).APPS_DOMAIN).toBe('apps.example.net');
    expect(parseSettings({ ...good, ENVIRONMENT: 'local', ORIGIN: 'http://localhost:8787' }).APPS_DOMAIN).toBe('localhost:8787');
  });

  test.each([
    ['ORIGIN', 'http://gatehouse.corp.test', 'https'],
    ['PASSWORD_COST', '14', 'must be at least 15'],
    ['ORIGIN', 'https://gatehouse.example.com', 'placeholder'],
    ['GRANT_KEY', '{"kty":"OKP","crv":"Ed25519","kid":"REPLACE","x":"REPLACE","d":"REPLACE"}', 'GRANT_KEY'],
    ['GRANT_KEY', undefined, 'GRANT_KEY'],
    ['CHECKPOINT_KEY', '{"kty":"OKP","crv":"Ed25519","x":"REPLACE","d":"REPLACE"}', 'CHECKPOINT_KEY'],
    ['CHECKPOINT_KEY', undefined, 'CHECKPOINT_KEY'],
    ['CHECKPOINT_KEY_FORMER', '{}', 'CHECKPOINT_KEY_FORMER'],
    ['AUDIT_LOG_NAME', 'two words', 'AUDIT_LOG_NAME'],
    ['KEK', 'REPLACE', 'KEK'],
    ['KEK', 'A'.repeat(43), 'placeholder'],
    ['OPERATOR_TOKEN', 'REPLACE-WITH-A-RANDOM-TOKEN-OF-YOURS', 'placeholder'],
    ['OPERATOR_TOKEN', 'short', '32 characters'],
    ['APPS_DOMAIN', 'https://apps.example.net', 'host name'],
    ['APPS_DOMAIN', 'apps.gatehouse.corp.test', 'apart'],
    ['APPS_DOMAIN', 'corp.test', 'apart'],
  ])('with %s = %s', (name, value, words) => {
    expect(() => parseSettings({ ...good, [name]: value })).toThrow(words);
    if (value !== undefined && name !== 'ORIGIN') expect(() => parseSettings({ ...good, [name]: value })).not.toThrow(value);
  });
});
