import { join, resolve } from 'node:path';
import { ROOT } from './place.ts';
import { AUDITOR, OWNER, startTrail } from './trail/trail.ts';

/**
 * Starts the built product with an organisation whose log has a million events, to look at its pages. It is filled once, in some
 * minutes; the next start finds it as it was:
 *   PORT=8944 STATE_DIR=/tmp/trail EVENTS=1000000 node test/support/large-trail.ts
 */

const say = (text: string) => process.stdout.write(`${text}\n`);
const trail = await startTrail({
  port: Number(process.env['PORT'] ?? 8944),
  stateDir: resolve(process.env['STATE_DIR'] ?? join(ROOT, '.wrangler/trail')),
  events: Number(process.env['EVENTS'] ?? 1_000_000),
  onProgress: (done) => void (done % 50_000 === 0 && say(`${done} events`)),
});
for (const { tenant, email, password } of [OWNER, AUDITOR])
  say(`${trail.origin}/signin#${new URLSearchParams({ org: tenant, email, password })}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void trail.stop());
