import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../failure.ts';
import { MARK, killMarked } from '../marked.ts';
import { identify, type ProcessId } from '../state/process-id.ts';
import { attachSandbox } from './attach.ts';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan } from './driver.ts';
import { ADOPTED_WITHIN_MS, HELPER_FLAGS, READY_WITHIN_MS } from './helper-program.ts';
import { controlOf, environmentOf, homeOf, prepareHome, writeControl } from './prepare.ts';
import { listenIn } from './socket.ts';
import { recordWords } from './words.ts';

/** Starts the helper; it inherits the listening socket as file descriptor 3. */
async function spawnHelper(plan: SandboxPlan, parts: SandboxParts): Promise<ProcessId> {
  const home = homeOf(plan);
  const child = await listenIn(plan.folder, (listening) =>
    recordWords(plan.folder, (log) =>
      spawn(parts.node, [...HELPER_FLAGS, parts.helper, '3', join(controlOf(plan), 'settings.json')], {
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
async function takeSandbox(folder: string, first: ProcessId, withinMs: number): Promise<Sandbox> {
  const attached = await attachSandbox({ folder, first, killOthers: () => killMarked(folder) }, withinMs);
  const startupScript = join(controlOf({ folder }), 'start-up.sh');
  return { kind: 'process', root: homeOf({ folder }), startupScript, trace: { kind: 'process', first, network: 'machine' }, ...attached };
}

async function startProcess(plan: SandboxPlan, parts: SandboxParts): Promise<Sandbox> {
  if (plan.network !== null) throw new Error('The sandbox could not start: without isolation it can have no network of its own');
  prepareHome(plan);
  const home = homeOf(plan);
  const { username, uid, gid } = userInfo();
  const gitConfig = join(controlOf(plan), 'gitconfig');
  const environment = { ...environmentOf(plan, home, username, gitConfig), [MARK]: plan.folder };
  writeControl(plan, { root: home, environment, graceMs: plan.graceMs, mark: plan.folder, forwards: [] }, { uid, gid });
  try {
    return await takeSandbox(plan.folder, await spawnHelper(plan, parts), READY_WITHIN_MS);
  } catch (error) {
    throw new Error(`The sandbox could not start: ${messageOf(error)}`, { cause: error });
  }
}

/** No isolation at all: the programs of a workspace can do whatever the runner's user can. */
export const processDriver = (parts: SandboxParts): SandboxDriver => ({
  kind: 'process',
  start: (plan) => startProcess(plan, parts),
  adopt: (folder, { first }) => takeSandbox(folder, first, ADOPTED_WITHIN_MS),
});
