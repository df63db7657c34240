import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { HelperSettings } from '../channel/requests.ts';
import type { SandboxPlan } from './driver.ts';

export interface User {
  uid: number;
  gid: number;
}

/**
 * Root's sandboxes run as a user of their own each, from a range that no system gives out: user 0 without
 * capabilities would still own the machine's settings under /proc.
 */
const FIRST_UID = 0x70000000;
export const ownUser = (workspaceId: string): User => {
  const uid = FIRST_UID + (createHash('sha256').update(workspaceId).digest().readUInt32BE(0) & 0x0fffffff);
  return { uid, gid: uid };
};

export const homeOf = (plan: Pick<SandboxPlan, 'folder'>): string => join(plan.folder, 'home');
export const controlOf = (plan: Pick<SandboxPlan, 'folder'>): string => join(plan.folder, 'sandbox');

/** A home as a new user would find it. Only before its first sandbox: from then on it belongs to the user. */
export function prepareHome(plan: SandboxPlan): void {
  const home = homeOf(plan);
  if (existsSync(home)) return;
  mkdirSync(plan.folder, { recursive: true, mode: 0o700 });
  const fresh = `${home}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  if (existsSync('/etc/skel')) cpSync('/etc/skel', fresh, { recursive: true });
  renameSync(fresh, home);
}

/** Gives a home to another user, while none of its programs runs. Links are not followed; names may be any bytes. */
export function giveTo(path: string | Buffer, user: User): void {
  // What is in it comes first: a walk that was cut short leaves the folder as a sign to walk again.
  if (lstatSync(path).isDirectory())
    for (const name of readdirSync(path, { encoding: 'buffer' })) giveTo(Buffer.concat([Buffer.from(path), Buffer.from('/'), name]), user);
  lchownSync(path, user.uid, user.gid);
}

/** Only a home that is new, or came from a runner of another kind: walking a large one takes long. */
export function giveHomeTo(plan: Pick<SandboxPlan, 'folder'>, user: User): void {
  const home = homeOf(plan);
  if (lstatSync(home).uid !== user.uid) giveTo(home, user);
}

const quoted = (value: string) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;

/** What the programs of a workspace find as their environment, whatever the runner's own is. */
export const environmentOf = (plan: SandboxPlan, home: string, user: string, gitConfig: string) => ({
  PATH: `${home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin`,
  LANG: 'C.UTF-8',
  SHELL: '/bin/bash',
  GIT_CONFIG_SYSTEM: gitConfig,
  ...plan.network?.environment,
  ...plan.environment,
  HOME: home,
  USER: user,
  LOGNAME: user,
  GATEHOUSE_WORKSPACE: plan.name,
});

/** Writes the files that the sandbox is made from; readable, because the workspace's user is another one. @param more by name */
export function writeControl(plan: SandboxPlan, settings: HelperSettings, user: User, more: Record<string, string> = {}): void {
  const control = controlOf(plan);
  rmSync(control, { recursive: true, force: true });
  mkdirSync(control, { mode: 0o755 });
  const files: Record<string, string> = {
    'settings.json': JSON.stringify(settings),
    'start-up.sh': plan.startupScript,
    gitconfig: `[user]\n\tname = ${quoted(plan.owner.name)}\n\temail = ${quoted(plan.owner.email)}\n[init]\n\tdefaultBranch = main\n${plan.network?.gitConfig ?? ''}`,
    passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\ndev:x:${user.uid}:${user.gid}:dev:${settings.root}:/bin/bash\n`,
    group: `root:x:0:\ndev:x:${user.gid}:\n`,
    ...more,
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(control, name), text, { mode: 0o644 });
    chmodSync(join(control, name), 0o644);
  }
  chmodSync(control, 0o755);
  if (process.getuid?.() === 0) chownSync(control, 0, 0);
}
