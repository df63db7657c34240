import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  pid: number;
  parent: number;
  group: number;
}

/** What runs on this machine; what has ended and only waits for its parent to notice does not count. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = read(() => readFileSync(`/proc/${name}/stat`, 'utf8'));
      // The command's name stands in brackets and may hold anything.
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return stat === '' || state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
    });
}

/** This test's own workerd: a child of ours, or of `parent`. */
export function findWorkerd(parent = process.pid): number | undefined {
  const isWorkerd = (pid: number) => read(() => readlinkSync(`/proc/${pid}/exe`)).endsWith('/workerd');
  return processes().find((each) => each.parent === parent && isWorkerd(each.pid))?.pid;
}

/**
 * The sandboxes that really run with the home of a workspace below `stateDir`, by workspace: the process
 * namespaces that see it, so that two sandboxes of one workspace would be seen as two.
 */
export function sandboxes(stateDir: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { workspace, namespace } of insiders(stateDir)) found.set(workspace, (found.get(workspace) ?? new Set()).add(namespace));
  return found;
}

/** Kills all that runs in sandboxes below `stateDir`, as when the machine loses its power. */
export function killSandboxes(stateDir: string): void {
  for (let left = insiders(stateDir); left.length > 0; left = insiders(stateDir)) {
    for (const { pid } of left) read(() => String(process.kill(pid, 'SIGKILL')));
  }
}

function insiders(stateDir: string): Array<{ pid: number; workspace: string; namespace: string }> {
  const own = namespaceOf('self');
  const name = stateDir.split('/').at(-1) ?? '';
  const home = new RegExp(`/${name}/[^ ]*/workspaces/(wsp_[0-9a-z]+)/home `);
  return processes().flatMap(({ pid }) => {
    const namespace = namespaceOf(pid);
    if (namespace === own) return [];
    const workspace = home.exec(read(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8')))?.[1];
    return workspace === undefined ? [] : [{ pid, workspace, namespace }];
  });
}

/** Resident megabytes, as cheap as can be asked each second. */
export function residentOf(pids: number[]): number {
  const kilobytes = (pid: number) => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(() => readFileSync(`/proc/${pid}/status`, 'utf8')))?.[1] ?? 0);
  return (pids.reduce((sum, pid) => sum + kilobytes(pid), 0) * 1024) / 1e6;
}

const namespaceOf = (pid: number | 'self') => read(() => readlinkSync(`/proc/${pid}/ns/pid`));

/** Processes end while we look at them. */
function read(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}
