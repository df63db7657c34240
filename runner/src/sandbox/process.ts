import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { templateLimits, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import { messageOf } from '../failure.ts';
import type { Bounds, Limiter } from '../limits/limiter.ts';
import { watchOver } from '../limits/watch.ts';
import { MARK, isMarked, killMarked } from '../marked.ts';
import { identify, type ProcessId } from '../state/process-id.ts';
import { attachSandbox, killProcesses } from './attach.ts';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan } from './driver.ts';
import { ADOPTED_WITHIN_MS, HELPER_FLAGS, READY_WITHIN_MS } from './helper-program.ts';
import { controlOf, environmentOf, homeOf, prepareHome, writeControl } from './prepare.ts';
import { listenIn } from './socket.ts';
import { recordWords } from './words.ts';

/** Starts the helper; it inherits the listening socket as file descriptor 3. */
async function spawnHelper(plan: SandboxPlan, parts: SandboxParts, { outside, inside }: Bounds): Promise<ProcessId> {
  const home = homeOf(plan);
  const helper = [parts.node, ...HELPER_FLAGS, parts.helper, '3', join(controlOf(plan), 'settings.json')];
  const [file = '', ...args] = [...outside, '/usr/bin/prlimit', ...inside, ...helper];
  const child = await listenIn(plan.folder, (listening) =>
    recordWords(plan.folder, (log) =>
      spawn(file, args, {
        cwd: home,
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, [MARK]: plan.folder },
        // A session of its own, without the runner's terminal.
        detached: true,
        stdio: ['ignore', 'ignore', log, listening],
      }),
    ),
  );
  child.on('error', () => undefined);
  const first = identify(child.pid ?? 0);
  if (first === null) throw new Error('its helper has ended');
  return first;
}

/** The sandbox whose helper `first` is. @throws Error when it does not answer; nothing of it runs then */
async function takeSandbox(
  folder: string,
  first: ProcessId,
  { cgroup, limits }: Pick<Bounds, 'cgroup'> & { limits: TemplateLimits },
  withinMs: number,
): Promise<Sandbox> {
  // Both, whatever the first finds: a program that wipes its mark is still in its group.
  const killOthers = () => [killMarked(folder), cgroup?.kill() === true].includes(true);
  const attached = await attachSandbox({ folder, kill: () => killProcesses(first, killOthers) }, withinMs);
  const watched = watchOver({ folder, limits, cgroup, belongs: (pid) => isMarked(pid, folder) }, attached);
  const startupScript = join(controlOf({ folder }), 'start-up.sh');
  const trace = { kind: 'process', first, limits, rootfs: null, network: 'machine' } as const;
  return { kind: 'process', root: homeOf({ folder }), startupScript, trace, ...watched };
}

async function startProcess(plan: SandboxPlan, parts: SandboxParts, limiter: Limiter): Promise<Sandbox> {
  if (plan.network !== null) throw new Error('The sandbox could not start: without isolation it can have no network of its own');
  prepareHome(plan);
  const home = homeOf(plan);
  const { username, uid, gid } = userInfo();
  const gitConfig = join(controlOf(plan), 'gitconfig');
  const environment = { ...environmentOf(plan, home, username, gitConfig), [MARK]: plan.folder };
  writeControl(plan, { root: home, environment, graceMs: plan.graceMs, mark: plan.folder, forwards: [] }, { uid, gid });
  let bounds: Bounds | null = null;
  try {
    bounds = limiter.bound(plan.workspaceId, plan.limits);
    const first = await spawnHelper(plan, parts, bounds);
    return await takeSandbox(plan.folder, first, { cgroup: bounds.cgroup, limits: plan.limits }, READY_WITHIN_MS);
  } catch (error) {
    await bounds?.cgroup?.remove();
    throw new Error(`The sandbox could not start: ${messageOf(error)}`, { cause: error });
  }
}

/** No isolation at all: the programs of a workspace can do whatever the runner's user can. */
export const processDriver = (parts: SandboxParts, limiter: Limiter): SandboxDriver => ({
  kind: 'process',
  start: (plan) => startProcess(plan, parts, limiter),
  adopt: (folder, { first, limits }) => {
    const bounds = { cgroup: limiter.cgroupOf(first.pid), limits: limits ?? templateLimits.parse({}) };
    return takeSandbox(folder, first, bounds, ADOPTED_WITHIN_MS);
  },
});
