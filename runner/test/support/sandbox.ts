import { pathToFileURL } from 'node:url';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import { findLimiter } from '../../src/limits/limiter.ts';
import { killMarked } from '../../src/marked.ts';
import { killBody } from '../../src/sandbox/attach.ts';
import { bubblewrapDriver, whyNoBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import type { DriverKind, Sandbox, SandboxPlan, SandboxTrace } from '../../src/sandbox/driver.ts';
import { findParts } from '../../src/sandbox/parts.ts';
import { processDriver } from '../../src/sandbox/process.ts';
import { programExit } from '../../src/channel/requests.ts';
import { mintFolder, mintId } from './mint.ts';

export const parts = findParts(pathToFileURL(fileURLToPath(new URL('../../src/main.ts', import.meta.url))).href);

/** Why the tests of real isolation can't run here; they must where GATEHOUSE_REQUIRE_BWRAP=1. */
export function isolationMissing(): string | null {
  const missing = whyNoBubblewrap();
  if (missing === null) return null;
  if (process.env['GATEHOUSE_REQUIRE_BWRAP'] === '1') throw new Error(`GATEHOUSE_REQUIRE_BWRAP=1, but: ${missing}`);
  process.stderr.write(`\n*** LEFT OUT: every test of the bubblewrap sandbox, because ${missing} ***\n\n`);
  return missing;
}

export function mintPlan(change: Partial<SandboxPlan> = {}): SandboxPlan {
  return {
    workspaceId: mintId('workspace'),
    name: 'blue-house',
    owner: { name: 'Ada', email: 'ada@acme.test' },
    folder: `${mintFolder()}/workspace`,
    environment: {},
    startupScript: '',
    graceMs: 60_000,
    limits: templateLimits.parse({}),
    rootfs: null,
    network: null,
    ...change,
  };
}

/** What this machine really bounds workspaces by. */
export const limiter = findLimiter(`${import.meta.filename} ${process.pid}`);
afterAll(() => limiter.close());

const driverOf = (kind: DriverKind) => (kind === 'bubblewrap' ? bubblewrapDriver(parts, limiter) : processDriver(parts, limiter));

export async function startSandbox(kind: DriverKind, plan = mintPlan()): Promise<Sandbox> {
  const sandbox = await driverOf(kind).start(plan);
  onTestFinished(() => endSandbox(plan.folder, sandbox.trace));
  return sandbox;
}

/** Takes over, as another runner, what `startSandbox` started. */
export const adoptSandbox = (kind: DriverKind, folder: string, trace: SandboxTrace): Promise<Sandbox> =>
  driverOf(kind).adopt(folder, trace);

async function endSandbox(folder: string, trace: SandboxTrace): Promise<void> {
  await killBody({ folder, first: trace.first, killOthers: () => killMarked(folder) });
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
