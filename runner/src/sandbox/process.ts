import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan } from './driver.ts';
import { attachHelper } from './helper-process.ts';
import { controlOf, environmentOf, homeOf, prepareHome, writeControl } from './prepare.ts';

/** In the environment of every program of a workspace: how its processes are found again. */
const MARK = 'GATEHOUSE_SANDBOX';

const isMarked = (pid: string, folder: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARK}=${folder}`);
  } catch {
    return false;
  }
};

/** Kills the processes of a workspace, also those that left their parents behind. */
function killMarked(folder: string): void {
  if (!existsSync('/proc')) return;
  // Twice, because a process may have been born while the first look was under way.
  for (let round = 0; round < 2; round++) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isMarked(name, folder));
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
  }
}

async function startProcess(plan: SandboxPlan, parts: SandboxParts): Promise<Sandbox> {
  prepareHome(plan);
  const home = homeOf(plan);
  const control = controlOf(plan);
  const { username, uid, gid } = userInfo();
  const environment = { ...environmentOf(plan, home, username, join(control, 'gitconfig')), [MARK]: plan.folder };
  writeControl(plan, { root: home, environment }, { uid, gid });
  const child = spawn(parts.node, [parts.helper, join(control, 'settings.json')], {
    cwd: home,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, [MARK]: plan.folder },
    // A session of its own, without the runner's terminal.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const kill = () => {
    child.kill('SIGKILL');
    killMarked(plan.folder);
  };
  const { helper, ended } = await attachHelper(child, kill);
  return {
    kind: 'process',
    helper,
    root: home,
    startupScript: join(control, 'start-up.sh'),
    ended,
    stop: async () => {
      kill();
      await ended;
      kill();
    },
  };
}

/** No isolation at all: the programs of a workspace can do whatever the runner's user can. */
export const processDriver = (parts: SandboxParts): SandboxDriver => ({
  kind: 'process',
  start: (plan) => startProcess(plan, parts),
  sweep: killMarked,
});
