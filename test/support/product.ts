import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { Person, mailedSecret } from '../../scripts/api.ts';
import { enroll, runRunner, stopRunner } from '../../scripts/local-runner.ts';
import { type Server, startServer } from '../../scripts/server.ts';
import { freePort, ROOT } from './place.ts';

/** Runner processes of one server, each with its state in a folder of its own. */
export interface RunnerProcesses {
  /** lines of all runners, newest last */
  runnerLog: string[];
  /** Enrols, confirms and starts a runner. @param origin what it dials instead of the server's own, as a proxy's */
  addRunner(owner: Person, name: string, origin?: string): Promise<void>;
  /** the process that runs now */
  runner(name: string): ChildProcess;
  /** kills a runner and starts it again on the same state @param meanwhile what happens while it is dead */
  killRunner(name: string, meanwhile?: () => unknown): Promise<void>;
  stopRunners(): Promise<void>;
}

export interface Product extends Server, RunnerProcesses {
  /** state of the server and of its runners; removed by `end` */
  stateDir: string;
  port: number;
  end(): Promise<void>;
}

/** The whole built product on a port of its own, empty, as `npm start -- --no-demo` runs it. */
export async function startProduct(bindings: Record<string, string> = {}, cronMs?: number): Promise<Product> {
  const [stateDir, port] = [await mkdtemp(join(tmpdir(), 'gatehouse-')), await freePort()];
  const server = await startServer({
    root: ROOT,
    port,
    stateDir,
    bindings: { SIGN_UPS_PER_HOUR: '1000', PASSWORD_COST: '8', ...bindings },
    ...(cronMs === undefined ? {} : { cronMs }),
  });
  const runners = runnersOf(server.origin, stateDir);
  return {
    ...server,
    ...runners,
    stateDir,
    port,
    end: async () => {
      await runners.stopRunners();
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** A product that others use, too, with runners of one’s own. */
export type SharedProduct = Pick<Product, 'origin' | 'port' | 'stateDir' | 'end'> & RunnerProcesses;

/** The product of all files of the project. @param slug no other file may use it */
export async function sharedProduct(slug: string): Promise<SharedProduct> {
  const [origin, stateDir] = [inject('origin'), join(inject('stateDir'), slug)];
  await mkdir(stateDir, { recursive: true });
  const runners = runnersOf(origin, stateDir);
  return { ...runners, origin, stateDir, port: Number(new URL(origin).port), end: runners.stopRunners };
}

/** @param stateDir holds a folder for each runner (`runner-<name>`) @param environment of runners, beside this process’s own */
export function runnersOf(serverOrigin: string, stateDir: string, environment: Record<string, string> = {}): RunnerProcesses {
  const runnerLog: string[] = [];
  const runners = new Map<string, ChildProcess>();
  const folderOf = (name: string) => join(stateDir, `runner-${name}`);
  const run = (name: string) => {
    runners.set(name, runRunner({ root: ROOT, stateDir: folderOf(name), environment, onLine: (line) => runnerLog.push(line) }));
  };
  const runner = (name: string) => {
    const child = runners.get(name);
    if (child === undefined) throw new Error(`There is no runner ${name}`);
    return child;
  };
  return {
    runnerLog,
    runner,
    addRunner: async (owner, name, origin = serverOrigin) => {
      await enroll({ root: ROOT, origin, owner, stateDir: folderOf(name), name });
      run(name);
      await until(async () =>
        (await owner.call<{ items: Array<{ name: string; state: string }> }>('GET', '/runners')).items.some(
          (each) => each.name === name && each.state === 'online',
        ),
      );
    },
    killRunner: async (name, meanwhile = () => undefined) => {
      const ended = once(runner(name), 'exit');
      runner(name).kill('SIGKILL');
      await ended;
      await meanwhile();
      run(name);
    },
    // What a killed runner left is adopted by the next one, and ends with that.
    stopRunners: async () => void (await Promise.all([...runners.values()].map(stopRunner))),
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

/** A plain workspace of that person, once it runs, in a sandbox where this machine has one. @param runnerId left out: any @returns its id */
export async function startWorkspace(owner: Person, name: string, runnerId?: string): Promise<string> {
  const driver = existsSync('/usr/bin/bwrap') ? 'bubblewrap' : 'process';
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: `plain-${name}`, spec: { driver } });
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name, runnerId });
  await until(async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase === 'running');
  return id;
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
