import { resolve } from 'node:path';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { startServer } from '../../scripts/server.ts';
import { ROOT } from './place.ts';

/**
 * Starts the built product, empty, with one organisation and an identity provider, and prints what an independent tester of SCIM needs:
 *   PORT=8941 STATE_DIR=/tmp/scim node test/support/scim-tenant.ts
 */
const port = Number(process.env['PORT'] ?? 8941);
const stateDir = resolve(process.env['STATE_DIR'] ?? '/tmp/gatehouse-scim');
const server = await startServer({ root: ROOT, port, stateDir, bindings: { SIGN_UPS_PER_HOUR: '1000' } });
const owner = new Person(server.origin);
const slug = `scim-${Date.now().toString(36)}`;
const email = `owner@${slug}.test`;
await owner.call('POST', '/signup', {
  tenant: { name: 'Scim', slug },
  user: { name: 'Olga Owner', email, password: 'a long enough password' },
});
await owner.call('POST', '/verify-email', { token: await mailedSecret(server.origin, email) });
const { id } = await owner.call<{ id: string }>('POST', '/identity-providers', { name: 'Tester', preset: 'other' });
const { secret } = await owner.call<{ secret: string }>('POST', `/identity-providers/${id}/scim-tokens`, {});
console.log(`${server.origin}/scim/v2`);
console.log(`Authorization: Bearer ${secret}`);
console.log(`${server.origin}/signin#${new URLSearchParams({ org: slug, email, password: 'a long enough password' })}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop());
