import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where everything of one runner lives. Nothing in it but `workspaces/<id>/home` and, read-only, `rootfs` is shown to a sandbox. */
export interface StateFolder {
  root: string;
  config: string;
  identityKey: string;
  agreementKey: string;
  /** a change of keys that is not settled yet */
  rotation: string;
  /** asks the runner that runs to change its keys, and what became of it */
  rotationAsked: string;
  rotationAnswer: string;
  lock: string;
  reports: string;
  workspaces: string;
  rootfs: string;
  recordings: string;
}

export function stateFolder(root: string): StateFolder {
  const at = (name: string) => join(root, name);
  return {
    root,
    config: at('config.json'),
    identityKey: at('identity.pem'),
    agreementKey: at('agreement.pem'),
    rotation: at('rotation.json'),
    rotationAsked: at('rotation.asked'),
    rotationAnswer: at('rotation.answer'),
    lock: at('runner.lock'),
    reports: at('reports.json'),
    workspaces: at('workspaces'),
    rootfs: at('rootfs'),
    recordings: at('recordings'),
  };
}

/** The folder asked for, else $GATEHOUSE_RUNNER_STATE, else the user's own state folder. */
export function chooseStateRoot(asked: string | undefined, env: NodeJS.ProcessEnv): string {
  const standard = join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'gatehouse-runner');
  return resolve(asked ?? env['GATEHOUSE_RUNNER_STATE'] ?? standard);
}

/** Makes the folder, readable for its owner only, also where it stood there with looser rights. */
export function prepareStateFolder(folder: StateFolder): void {
  mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  chmodSync(folder.root, 0o700);
  mkdirSync(folder.workspaces, { recursive: true, mode: 0o700 });
}
