import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { Person, mailedSecret } from '../../scripts/api.ts';
import { enroll, runRunner, stopRunner } from '../../scripts/local-runner.ts';
import { type Server, startServer } from '../../scripts/server.ts';
import { freePort, ROOT } from './place.ts';

export interface Product extends Server {
  /** state of the server and of its runners; removed by `end` */
  stateDir: string;
  /** lines of all runners, newest last */
  runnerLog: string[];
  /** an enrolled, confirmed and running runner */
  addRunner(owner: Person, name: string): Promise<ChildProcess>;
  end(): Promise<void>;
}

/** The whole built product on a port of its own, empty, as `npm start -- --no-demo` runs it. */
export async function startProduct(bindings: Record<string, string> = {}, cronMs?: number): Promise<Product> {
  const stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-'));
  const server = await startServer({
    root: ROOT,
    port: await freePort(),
    stateDir,
    bindings: { SIGN_UPS_PER_HOUR: '1000', ...bindings },
    ...(cronMs === undefined ? {} : { cronMs }),
  });
  const runnerLog: string[] = [];
  const runners: ChildProcess[] = [];
  return {
    ...server,
    stateDir,
    runnerLog,
    addRunner: async (owner, name) => {
      const runnerDir = join(stateDir, `runner-${name}`);
      await enroll({ root: ROOT, origin: server.origin, owner, stateDir: runnerDir, name });
      const child = runRunner({ root: ROOT, stateDir: runnerDir, onLine: (line) => runnerLog.push(line) });
      runners.push(child);
      await until(async () =>
        (await owner.call<{ items: Array<{ name: string; state: string }> }>('GET', '/runners')).items.some(
          (each) => each.name === name && each.state === 'online',
        ),
      );
      return child;
    },
    end: async () => {
      await Promise.all(runners.map(stopRunner));
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** A new organisation and its owner, mail verified, through the public API. */
export async function signUp(origin: string, slug: string, password: string): Promise<Person> {
  const owner = new Person(origin);
  const email = `owner@${slug}.test`;
  await owner.call('POST', '/signup', { tenant: { name: slug, slug }, user: { name: 'Olga Owner', email, password } });
  await owner.call('POST', '/verify-email', { token: await mailedSecret(origin, email) });
  return owner;
}

/** Asks again until it holds; what is waited for happens in other processes. @throws Error after `seconds` */
export async function until(holds: () => Promise<boolean>, seconds = 30): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await holds())) throw new Error(`Not so within ${seconds} s: ${holds.toString()}`);
    },
    { timeout: seconds * 1000, interval: 50 },
  );
}
