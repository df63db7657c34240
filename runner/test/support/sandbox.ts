import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileURLToPath } from 'node:url';
import { afterAll, inject, onTestFinished } from 'vitest';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import { findLimiter } from '../../src/limits/limiter.ts';
import { killMarked } from '../../src/marked.ts';
import { killProcesses } from '../../src/sandbox/attach.ts';
import { bubblewrapDriver, whyNoBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import { removeContainer } from '../../src/sandbox/container/body.ts';
import { containerDriver } from '../../src/sandbox/container/container.ts';
import { Engine } from '../../src/sandbox/container/engine.ts';
import type { DriverKind, Sandbox, SandboxDriver, SandboxPlan, SandboxTrace } from '../../src/sandbox/driver.ts';
import { findParts } from '../../src/sandbox/parts.ts';
import { homeOf } from '../../src/sandbox/prepare.ts';
import { processDriver } from '../../src/sandbox/process.ts';
import { programExit } from '../../src/channel/requests.ts';
import { mintFolder, mintId } from './mint.ts';
import type { TestEngine } from './podman.ts';

export const parts = findParts(pathToFileURL(fileURLToPath(new URL('../../src/main.ts', import.meta.url))).href);

/** Why the tests of real isolation can't run here; they must where GATEHOUSE_REQUIRE_BWRAP=1. */
export function isolationMissing(): string | null {
  const missing = whyNoBubblewrap();
  if (missing === null) return null;
  if (process.env['GATEHOUSE_REQUIRE_BWRAP'] === '1') throw new Error(`GATEHOUSE_REQUIRE_BWRAP=1, but: ${missing}`);
  process.stderr.write(`\n*** LEFT OUT: every test of the bubblewrap sandbox, because ${missing} ***\n\n`);
  return missing;
}

/** The engine of the tests of containers, or why they can't run here; they must where GATEHOUSE_REQUIRE_PODMAN=1. */
export function testEngine(): TestEngine | null {
  const podman = inject('podman');
  if (typeof podman !== 'string') return podman;
  if (process.env['GATEHOUSE_REQUIRE_PODMAN'] === '1') throw new Error(`GATEHOUSE_REQUIRE_PODMAN=1, but: ${podman}`);
  process.stderr.write(`\n*** LEFT OUT: every test of containers, because ${podman} ***\n\n`);
  return null;
}

/** The drivers that isolate and that this machine can have. */
export const isolatingKinds = (): DriverKind[] => [
  ...(isolationMissing() === null ? (['bubblewrap'] as const) : []),
  ...(testEngine() === null ? [] : (['container'] as const)),
];
export const kindsHere = (): DriverKind[] => [...isolatingKinds(), 'process'];

export function mintPlan(change: Partial<SandboxPlan> = {}): SandboxPlan {
  const workspaceId = mintId('workspace');
  // As a runner has it: containers are told apart by the folders of runner and workspace.
  const workspaces = join(mintFolder(), 'workspaces');
  mkdirSync(workspaces);
  return {
    workspaceId,
    name: 'blue-house',
    owner: { name: 'Ada', email: 'ada@acme.test' },
    folder: join(workspaces, workspaceId),
    environment: {},
    startupScript: '',
    graceMs: 60_000,
    limits: templateLimits.parse({}),
    rootfs: null,
    image: null,
    network: null,
    ...change,
  };
}

/** What this machine really bounds workspaces by. */
export const limiter = findLimiter(`${import.meta.filename} ${process.pid}`);
afterAll(() => limiter.close());

async function driverOf(kind: DriverKind): Promise<SandboxDriver> {
  if (kind === 'bubblewrap') return bubblewrapDriver(parts, limiter);
  if (kind === 'process') return processDriver(parts, limiter);
  return containerDriver(await Engine.at(testEngine()?.socket ?? ''), parts);
}

export async function startSandbox(kind: DriverKind, plan = mintPlan()): Promise<Sandbox> {
  const image = kind === 'container' ? (plan.image ?? testEngine()?.image ?? null) : null;
  const sandbox = await (await driverOf(kind)).start({ ...plan, image });
  onTestFinished(() => endSandbox(plan.folder, sandbox.trace));
  return sandbox;
}

/** Takes over, as another runner, what `startSandbox` started. */
export const adoptSandbox = async (kind: DriverKind, folder: string, trace: SandboxTrace): Promise<Sandbox> =>
  (await driverOf(kind)).adopt(folder, trace);

async function endSandbox(folder: string, trace: SandboxTrace): Promise<void> {
  if (trace.container !== undefined) await removeContainer(await Engine.at(testEngine()?.socket ?? ''), trace.container);
  await killProcesses(trace.first, () => killMarked(folder));
}

/** Runs a shell script in the sandbox. */
export function runIn(sandbox: Sandbox, script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    let code: number | null = null;
    sandbox.helper.open(
      { method: 'task.run', argv: ['/bin/bash', '-c', script], environment: {} },
      {
        head: (head) => !head.ok && reject(new Error(JSON.stringify(head))),
        data: (bytes) => (output += Buffer.from(bytes).toString()),
        message: (value) => (code = programExit.parse(value).code),
        fin: () => resolve({ code, output: output.trim() }),
        gone: () => reject(new Error('The sandbox ended')),
      },
    );
  });
}

/** Puts files into a workspace's home, content by path. */
export function writeHome(plan: SandboxPlan, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    const place = join(homeOf(plan), path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }
}
