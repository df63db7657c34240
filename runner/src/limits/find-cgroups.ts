import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../failure.ts';
import { CONTROLLERS, Cgroup, type Controller, type Folders, type Version } from './cgroup.ts';
import { enclose } from './enclose.ts';

/** The group in which all workspaces of a runner are, each in one of its own. */
export interface Cgroups {
  version: Version;
  controls: Controller[];
  root: Cgroup;
}

/** Own place in one hierarchy of groups. `controllers` of version 2 is empty. */
interface Hierarchy {
  controllers: string[];
  folder: string;
}

const PREFIX = 'gatehouse-';
/** where the runner itself stands, where it shares a tree with its workspaces: only the leaves of version 2 hold processes */
const OWN = 'runner';

/** Where this process (or another one) stands in each hierarchy that is mounted. */
function hierarchies(pid: number | 'self'): Hierarchy[] {
  const paths = new Map(
    readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [, controllers = '', ...path] = line.split(':');
        return [controllers, path.join(':')] as const;
      }),
  );
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [root = '/', mount = ''] = before.split(' ').slice(3);
      const [type, , options = ''] = after.split(' ');
      if (type !== 'cgroup' && type !== 'cgroup2') return [];
      const controllers =
        type === 'cgroup2' ? [] : options.split(',').filter((option) => ['memory', 'pids', 'cpu', 'cpuacct'].includes(option));
      const path = [...paths].find(([names]) =>
        type === 'cgroup2' ? names === '' : controllers.length > 0 && names.split(',').includes(controllers[0] ?? ''),
      )?.[1];
      if (path === undefined) return [];
      // In a container the mount may begin below the root of the hierarchy.
      const inside = root !== '/' && path.startsWith(root) ? path.slice(root.length) : path;
      return [{ controllers, folder: join(mount, inside) }];
    });
}

const controllersIn = (folder: string): Controller[] => {
  const there = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').split(/\s+/);
  return CONTROLLERS.filter((controller) => there.includes(controller));
};

/** Hands the controllers on to the groups below. @throws Error when processes stand in between */
const handOn = (folder: string, controllers: Controller[]) =>
  writeFileSync(join(folder, 'cgroup.subtree_control'), controllers.map((controller) => `+${controller}`).join(' '));

/** Steps aside for it, and back where others stand there too. @throws Error then */
function handOnBelow(own: string, controllers: Controller[]): void {
  const aside = join(own, OWN);
  mkdirSync(aside, { recursive: true });
  writeFileSync(join(aside, 'cgroup.procs'), '0');
  try {
    handOn(own, controllers);
  } catch (error) {
    writeFileSync(join(own, 'cgroup.procs'), '0');
    rmdirSync(aside);
    throw error;
  }
}

/** Where groups may be made in version 2: a delegated place first, for root also the top of the tree. */
function basesOfV2(own: string, isRoot: boolean): string[] {
  const top = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '))
    ?.split(' ')[4];
  return [...(basename(own) === OWN ? [dirname(own)] : [own]), ...(isRoot && top !== undefined ? [top] : [])];
}

function findV2(name: string, own: string, isRoot: boolean): { controllers: Controller[]; folders: Folders } {
  let last: unknown = new Error('no version 2 tree');
  for (const base of basesOfV2(own, isRoot)) {
    try {
      const controllers = controllersIn(base);
      if (controllers.length === 0) throw new Error(`${base} has no controllers`);
      if (base === own) handOnBelow(own, controllers);
      else handOn(base, controllers);
      const folder = join(base, name);
      mkdirSync(folder, { recursive: true });
      handOn(folder, controllers);
      return { controllers, folders: Object.fromEntries(controllers.map((controller) => [controller, folder])) };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function findV1(name: string, all: Hierarchy[]): { controllers: Controller[]; folders: Folders } {
  const folders: Folders = {};
  for (const { controllers, folder } of all) {
    for (const controller of controllers) if (isOurs(controller)) folders[controller] = join(folder, name);
  }
  const controllers = CONTROLLERS.filter((controller) => folders[controller] !== undefined);
  if (controllers.length === 0) throw new Error('no controllers are mounted');
  return { controllers, folders };
}
const isOurs = (name: string): name is keyof Folders => ['memory', 'pids', 'cpu', 'cpuacct'].includes(name);

/** bytes that leave the runner room to live, whatever workspaces do that are not bounded themselves */
export const memoryOfAll = (): number => Math.floor(totalmem() - Math.min(1024 ** 3, totalmem() / 4));

function boundAll(root: Cgroup): void {
  const memory = memoryOfAll();
  const most = Number(readFileSync('/proc/sys/kernel/threads-max', 'utf8'));
  root.bound({ memory, tasks: Math.floor(Math.min(most, Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'))) * 0.8), cpus: null });
}

/** Really starts a program in a group. @throws Error with why that can't be */
function tryOut(root: Cgroup): void {
  const probe = root.child(`probe-${process.pid}`);
  probe.make();
  try {
    probe.bound({ memory: 64 * 1024 * 1024, tasks: 16, cpus: Math.min(1, availableParallelism()) });
    const [file = '', ...args] = [...enclose(probe.places), '/bin/true'];
    const run = spawnSync(file, args, { encoding: 'utf8', timeout: 5000 });
    if (run.status !== 0) throw new Error(run.stderr.trim().split('\n').at(-1) ?? 'a process could not be put into a group');
  } finally {
    probe.tryRemove();
  }
}

/** Finds out by trying. @returns how workspaces can be bounded together, or why not */
export function findCgroups(stateRoot: string): Cgroups | string {
  const name = PREFIX + createHash('sha256').update(stateRoot).digest('hex').slice(0, 12);
  const isRoot = process.getuid?.() === 0;
  const whys: string[] = [];
  try {
    const all = hierarchies('self');
    const unified = all.find(({ controllers }) => controllers.length === 0);
    const ways: [Version, () => { controllers: Controller[]; folders: Folders }][] = [];
    if (unified !== undefined) ways.push(['v2', () => findV2(name, unified.folder, isRoot)]);
    const classic = all.filter(({ controllers }) => controllers.length > 0);
    if (classic.length > 0) ways.push(['v1', () => findV1(name, classic)]);
    for (const [version, find] of ways) {
      try {
        const { controllers, folders } = find();
        const root = new Cgroup(version, folders);
        root.make();
        tryOut(root);
        boundAll(root);
        for (const child of root.children) root.child(child).tryRemove();
        return { version, controls: controllers, root };
      } catch (error) {
        whys.push(`${version}: ${messageOf(error)}`);
      }
    }
  } catch (error) {
    whys.push(messageOf(error));
  }
  return whys.length === 0 ? 'no cgroups are mounted' : whys.join('; ');
}

/** The group of this runner's that a running sandbox is in, or null. */
export const cgroupOf = (pid: number): Cgroup | null => groupOf(pid, ({ folder }) => folder.includes(`/${PREFIX}`));

/** The group that somebody else has made for a process, to read from; null where it is in that of this process. */
export function othersCgroupOf(pid: number): Cgroup | null {
  const own = new Set(hierarchies('self').map(({ folder }) => folder));
  return groupOf(pid, ({ folder }) => !own.has(folder));
}

function groupOf(pid: number, belongs: (hierarchy: Hierarchy) => boolean): Cgroup | null {
  try {
    const mine = hierarchies(pid).filter((each) => belongs(each) && existsSync(each.folder));
    const unified = mine.find(({ controllers }) => controllers.length === 0);
    if (unified !== undefined) {
      const folders = Object.fromEntries(controllersIn(unified.folder).map((controller) => [controller, unified.folder]));
      return new Cgroup('v2', folders);
    }
    const folders: Folders = {};
    for (const { controllers, folder } of mine) for (const controller of controllers) if (isOurs(controller)) folders[controller] = folder;
    return Object.keys(folders).length === 0 ? null : new Cgroup('v1', folders);
  } catch {
    return null;
  }
}
