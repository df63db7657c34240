import { join } from 'node:path';
import { OWN_TASKS } from '../../limits/cgroup.ts';
import { memoryOfAll } from '../../limits/find-cgroups.ts';
import { prlimitArguments, processBounds, type ProcessBound } from '../../limits/rlimits.ts';
import { scratchSizes } from '../bubblewrap-limits.ts';
import type { SandboxParts, SandboxPlan } from '../driver.ts';
import { HELPER_FLAGS } from '../helper-program.ts';
import { librariesOf } from '../libraries.ts';
import { controlOf, homeOf, type User } from '../prepare.ts';
import type { Engine } from './engine.ts';
import type { Image } from './image.ts';

export const HOME = '/home/dev';
export const CONTROL = '/etc/gatehouse';
const PARTS = '/opt/gatehouse';
const TOOLS = `${PARTS}/tools`;
const LOAD = [`${TOOLS}/ld.so`, '--library-path', TOOLS];
const PRLIMIT = '/usr/bin/prlimit';
const DOOR = `${PARTS}/door`;

export const SOCKET = 'helper.sock';
/** where the helper begins to listen, until the runner takes its socket out of every container's sight */
export const doorOf = (folder: string): string => join(folder, 'door');

/** Whose a container is: by these a later runner finds what an earlier one left. */
export const LABELS = { runner: 'gatehouse.runner', workspace: 'gatehouse.workspace' } as const;

const MEBI = 1024 * 1024;
const SCRATCH = 'rw,exec,nosuid,nodev,mode=1777';

interface Mount {
  Type: 'bind';
  Source: string;
  Target: string;
  ReadOnly: boolean;
  BindOptions: { Propagation: 'rprivate' };
}
const show = (Source: string, Target: string, ReadOnly = true): Mount => ({
  ...{ Type: 'bind', Source, Target, ReadOnly },
  BindOptions: { Propagation: 'rprivate' },
});

/** The image may have another C library, or none: the helper brings Node's own. */
function mountsOf(plan: SandboxPlan, parts: SandboxParts): Mount[] {
  const control = controlOf(plan);
  const { loader, libraries } = librariesOf([parts.node, PRLIMIT]);
  const { network } = plan;
  return [
    ...[show(homeOf(plan), HOME, false), show(doorOf(plan.folder), DOOR, false), show(control, CONTROL)],
    ...[show(join(control, 'passwd'), '/etc/passwd'), show(join(control, 'group'), '/etc/group')],
    ...[show(parts.node, `${PARTS}/node`), show(parts.helper, `${PARTS}/helper.mjs`), show(loader, `${TOOLS}/ld.so`)],
    show(PRLIMIT, `${TOOLS}/prlimit`),
    ...Object.entries(libraries).map(([name, path]) => show(path, `${TOOLS}/${name}`)),
    ...Object.entries(parts.packages).map(([name, folder]) => show(folder, `${PARTS}/node_modules/${name}`)),
    ...(network === null
      ? []
      : [
          ...[show(join(control, 'hosts'), '/etc/hosts'), show(join(control, 'resolv.conf'), '/etc/resolv.conf')],
          show(network.sockets.folder, network.sockets.inside),
        ]),
  ];
}

/** What the image sets for its programs must not lead the helper astray; they get it from the helper. */
const HELPER_ENVIRONMENT = [
  ...['PATH=/usr/bin:/bin', `HOME=${HOME}`],
  ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS'].map((name) => `${name}=`),
];

/** The bounds of each process. A user that all workspaces have is not counted where the kernel counts each container. */
function boundsOf({ limits }: SandboxPlan, { controls, isRootless }: Pick<Engine, 'controls' | 'isRootless'>): ProcessBound[] {
  const isShared = isRootless || process.getuid?.() !== 0;
  return processBounds(limits, controls).filter(({ name }) => name !== 'nproc' || !isShared || !controls.includes('pids'));
}

/** What it may use. Podman and Docker take the same words. */
function limitsOf(plan: SandboxPlan, engine: Engine) {
  const { memoryMb, processes, cpus } = plan.limits;
  const { controls } = engine;
  const memory = memoryMb === null ? memoryOfAll() : memoryMb * MEBI;
  return {
    ...(controls.includes('memory') ? { Memory: memory, MemorySwap: memory } : {}),
    ...(controls.includes('pids') ? { PidsLimit: processes + OWN_TASKS } : {}),
    ...(controls.includes('cpu') && cpus !== null ? { NanoCpus: Math.round(cpus * 1e9) } : {}),
    Ulimits: boundsOf(plan, engine).map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  };
}

export interface Making {
  plan: SandboxPlan;
  parts: SandboxParts;
  engine: Engine;
  image: Image;
  user: User;
  /** put before the helper's program */
  entrance: string[];
  labels: Record<string, string>;
}

/** What a workspace's container is made with, in the words of the Docker Engine API. */
export function containerSettings({ plan, parts, engine, image, user, entrance, labels }: Making): object {
  const { '/dev/shm': shared, ...scratch } = scratchSizes(plan.limits);
  const tmpfs = (size: number) => `${SCRATCH},size=${size}`;
  const isOwnUser = engine.isRootless && engine.name === 'Podman';
  return {
    Image: image.id,
    Entrypoint: [
      // Rootless Podman does not hear of them by its API.
      ...[...LOAD, `${TOOLS}/prlimit`, ...prlimitArguments(boundsOf(plan, engine))],
      ...[...entrance, ...LOAD, `${PARTS}/node`, ...HELPER_FLAGS],
      ...[`${PARTS}/helper.mjs`, `${DOOR}/${SOCKET}`, `${CONTROL}/settings.json`],
    ],
    ...{ Cmd: [], Env: HELPER_ENVIRONMENT, WorkingDir: '/', Hostname: plan.name, Labels: labels },
    ...{ User: `${user.uid}:${user.gid}`, NetworkDisabled: plan.network !== null },
    // Not where there is none: Podman would make a timer of it.
    ...(image.isChecked ? { Healthcheck: { Test: ['NONE'] } } : {}),
    HostConfig: {
      ...{ CapDrop: ['ALL'], Privileged: false, ReadonlyRootfs: true, Init: true, RestartPolicy: { Name: 'no' } },
      // Its own filter of kernel calls is on where nothing is said; the runner's stands behind it.
      SecurityOpt: ['no-new-privileges'],
      ...{ IpcMode: 'private', CgroupnsMode: 'private', ...(isOwnUser ? { UsernsMode: 'keep-id' } : {}) },
      // A network with nothing but loopback; what leads out are the runner's sockets.
      ...(plan.network === null ? {} : { NetworkMode: 'none' }),
      Mounts: mountsOf(plan, parts),
      Tmpfs: {
        ...Object.fromEntries(Object.entries(scratch).map(([place, size]) => [place, tmpfs(size)])),
        // Podman would make one that everybody may fill.
        '/run': `rw,nosuid,nodev,mode=0755,size=${MEBI}`,
        // Volumes of the image would lie outside of all bounds.
        ...Object.fromEntries(image.volumes.map((place) => [place, tmpfs(Math.floor(shared / 2))])),
      },
      ...{ ShmSize: shared, ...limitsOf(plan, engine) },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    },
  };
}
