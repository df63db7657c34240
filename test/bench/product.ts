import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { enroll, runRunner, stopRunner } from '../../scripts/local-runner.ts';
import { type Server, startServer } from '../../scripts/server.ts';
import { ROOT } from '../support/place.ts';
import { until } from './measure.ts';

export const ACCOUNT = { tenant: 'bench', email: 'owner@bench.test', password: 'a long enough password' };

export interface Product extends Server {
  owner: Person;
  port: number;
  stateDir: string;
  runnerPid: number;
  /** id of a running workspace of the owner */
  workspaceId: string;
  /** @returns the id of one more, once it runs */
  startWorkspace(name: string): Promise<string>;
  end(): Promise<void>;
}

/**
 * The whole built product, with an organisation, a runner and a running workspace, on a state of its own.
 * @param runnerPort what the runner dials instead of the server's own port
 */
export async function startProduct(port: number, runnerPort = port): Promise<Product> {
  const stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  const undo = [() => rm(stateDir, { recursive: true, force: true })];
  const end = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const server = await startServer({ root: ROOT, port, stateDir });
    undo.push(() => server.stop());
    const owner = await signUp(server.origin);
    const runnerDir = join(stateDir, 'runner');
    await enroll({ root: ROOT, origin: `http://localhost:${runnerPort}`, owner, stateDir: runnerDir, name: 'bench' });
    const runner = runRunner({ root: ROOT, stateDir: runnerDir, onLine: () => undefined });
    undo.push(() => stopRunner(runner));
    await until('the runner is online', async () => {
      const { items } = await owner.call<{ items: Array<{ state: string }> }>('GET', '/runners');
      return items.some(({ state }) => state === 'online');
    });
    const start = await workspaceStarter(owner);
    return { ...server, owner, port, stateDir, runnerPid: runner.pid ?? 0, workspaceId: await start('bench'), startWorkspace: start, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The organisation that is measured. */
export async function signUp(origin: string): Promise<Person> {
  const owner = new Person(origin);
  const { tenant, email, password } = ACCOUNT;
  await owner.call('POST', '/signup', { tenant: { name: 'Bench', slug: tenant }, user: { name: 'Olga Owner', email, password } });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, email) });
  return owner;
}

async function workspaceStarter(owner: Person): Promise<(name: string) => Promise<string>> {
  const driver = existsSync('/usr/bin/bwrap') ? 'bubblewrap' : 'process';
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'bench', spec: { driver } });
  return async (name) => {
    const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name });
    await until('the workspace runs', async () => {
      const { phase, error } = await owner.call<{ phase: string; error: string | null }>('GET', `/workspaces/${id}`);
      if (phase === 'failed') throw new Error(`The workspace failed: ${error}`);
      return phase === 'running';
    });
    return id;
  };
}
