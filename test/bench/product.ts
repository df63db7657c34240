import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { enroll, runRunner, stopRunner } from '../../scripts/local-runner.ts';
import { type Server, startServer } from '../../scripts/server.ts';
import { freePort, ROOT } from '../support/place.ts';
import { until } from './measure.ts';

export const ACCOUNT = { tenant: 'bench', email: 'owner@bench.test', password: 'a long enough password' };

export interface Product extends Server {
  owner: Person;
  /** id of a running workspace of the owner */
  workspaceId: string;
  end(): Promise<void>;
}

/** The whole built product, with an organisation, a runner and a running workspace, on a port and state of its own. */
export async function startProduct(): Promise<Product> {
  const stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  const undo = [() => rm(stateDir, { recursive: true, force: true })];
  const end = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const server = await startServer({ root: ROOT, port: await freePort(), stateDir });
    undo.push(() => server.stop());
    const owner = await signUp(server.origin);
    const runnerDir = join(stateDir, 'runner');
    await enroll({ root: ROOT, origin: server.origin, owner, stateDir: runnerDir, name: 'bench' });
    const runner = runRunner({ root: ROOT, stateDir: runnerDir, onLine: () => undefined });
    undo.push(() => stopRunner(runner));
    await until('the runner is online', async () => {
      const { items } = await owner.call<{ items: Array<{ state: string }> }>('GET', '/runners');
      return items.some(({ state }) => state === 'online');
    });
    return { ...server, owner, workspaceId: await startWorkspace(owner), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function signUp(origin: string): Promise<Person> {
  const owner = new Person(origin);
  const { tenant, email, password } = ACCOUNT;
  await owner.call('POST', '/signup', { tenant: { name: 'Bench', slug: tenant }, user: { name: 'Olga Owner', email, password } });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, email) });
  return owner;
}

async function startWorkspace(owner: Person): Promise<string> {
  const driver = existsSync('/usr/bin/bwrap') ? 'bubblewrap' : 'process';
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'bench', spec: { driver } });
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name: 'bench' });
  await until('the workspace runs', async () => {
    const { phase, error } = await owner.call<{ phase: string; error: string | null }>('GET', `/workspaces/${id}`);
    if (phase === 'failed') throw new Error(`The workspace failed: ${error}`);
    return phase === 'running';
  });
  return id;
}
