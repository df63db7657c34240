import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';

/** What the kernel can be asked to hold a group of processes to. */
export const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;
export type Controller = (typeof CONTROLLERS)[number];
/** `cpuacct` only counts; in version 2 each group counts by itself */
export type Folders = Partial<Record<Controller | 'cpuacct', string>>;
export type Version = 'v1' | 'v2';

const PERIOD_US = 100_000;
const MEBI = 1024 * 1024;
/** what the sandbox itself is made of: two processes of bubblewrap, and the helper with its threads */
export const OWN_TASKS = 32;

const read = (folder: string | undefined, file: string): string | null => {
  try {
    return folder === undefined ? null : readFileSync(join(folder, file), 'utf8').trim();
  } catch {
    return null;
  }
};
const numberOf = (text: string | null): number | null => (text === null || !/^\d+$/.test(text) ? null : Number(text));
/** one line of "name number" */
const field = (text: string | null, name: string): number | null =>
  numberOf(
    text
      ?.split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? null,
  );

/** The files to write for a limit, in order; null takes it away. Those with `?` are not there everywhere. */
const settings = {
  v2: {
    memory: (bytes: number | null) => ({
      'memory.max': bytes === null ? 'max' : String(bytes),
      'memory.swap.max?': bytes === null ? 'max' : '0',
    }),
    pids: (most: number | null) => ({ 'pids.max': most === null ? 'max' : String(most) }),
    cpu: (cpus: number | null) => ({ 'cpu.max': `${cpus === null ? 'max' : Math.round(cpus * PERIOD_US)} ${PERIOD_US}` }),
  },
  v1: {
    memory: (bytes: number | null) => ({
      'memory.limit_in_bytes': String(bytes ?? -1),
      'memory.memsw.limit_in_bytes?': String(bytes ?? -1),
    }),
    pids: (most: number | null) => ({ 'pids.max': most === null ? 'max' : String(most) }),
    cpu: (cpus: number | null) => ({
      'cpu.cfs_period_us': String(PERIOD_US),
      'cpu.cfs_quota_us': cpus === null ? '-1' : String(Math.round(cpus * PERIOD_US)),
    }),
  },
} satisfies Record<Version, Record<Controller, (value: number | null) => Record<string, string>>>;

/** A group of processes: one folder for each controller in version 1, one for all in version 2. */
export class Cgroup {
  readonly #version: Version;
  readonly #folders: Folders;

  constructor(version: Version, folders: Folders) {
    this.#version = version;
    this.#folders = folders;
  }

  /** what the kernel holds it to */
  get controls(): Controller[] {
    return CONTROLLERS.filter((controller) => this.#folders[controller] !== undefined);
  }

  /** the folders in which a process is put to be in it, with all that it starts */
  get places(): string[] {
    return [...new Set(Object.values(this.#folders))];
  }

  /** @throws Error when it can't be made */
  make(): void {
    for (const folder of this.places) mkdirSync(folder, { recursive: true });
  }

  /** @param tasks processes and threads; @throws Error when the kernel refuses */
  bound({ memory, tasks, cpus }: { memory: number | null; tasks: number | null; cpus: number | null }): void {
    const files = settings[this.#version];
    this.#write('memory', files.memory(memory));
    this.#write('pids', files.pids(tasks));
    this.#write('cpu', files.cpu(cpus));
  }

  boundTo({ memoryMb, processes, cpus }: TemplateLimits): void {
    this.bound({ memory: memoryMb === null ? null : memoryMb * MEBI, tasks: processes + OWN_TASKS, cpus });
  }

  /** those of its controllers that bound something, as the kernel has it */
  get bounding(): Controller[] {
    const isV1 = this.#version === 'v1';
    const memory = read(this.#folders.memory, isV1 ? 'memory.limit_in_bytes' : 'memory.max');
    const cpu = read(this.#folders.cpu, isV1 ? 'cpu.cfs_quota_us' : 'cpu.max');
    const bounds: Record<Controller, boolean> = {
      // What is no bound is the largest number, or a word.
      memory: (numberOf(memory) ?? Infinity) < 2 ** 60,
      pids: numberOf(read(this.#folders.pids, 'pids.max')) !== null,
      cpu: /^\d/.test(cpu ?? ''),
    };
    return CONTROLLERS.filter((controller) => bounds[controller]);
  }

  get cpuMs(): number | null {
    if (this.#version === 'v1') {
      const nanoseconds = numberOf(read(this.#folders.cpuacct, 'cpuacct.usage'));
      return nanoseconds === null ? null : Math.round(nanoseconds / 1e6);
    }
    const microseconds = field(read(this.places[0], 'cpu.stat'), 'usage_usec');
    return microseconds === null ? null : Math.round(microseconds / 1000);
  }

  /** Without what the kernel keeps of files and could drop at once. */
  get memoryBytes(): number | null {
    const isV1 = this.#version === 'v1';
    const all = numberOf(read(this.#folders.memory, isV1 ? 'memory.usage_in_bytes' : 'memory.current'));
    const files = field(read(this.#folders.memory, 'memory.stat'), isV1 ? 'total_inactive_file' : 'inactive_file');
    return all === null ? null : Math.max(0, all - (files ?? 0));
  }

  get tasks(): number | null {
    return numberOf(read(this.#folders.pids, 'pids.current'));
  }

  /** processes in it; null: nobody can tell */
  get pids(): string[] | null {
    const all = read(this.places[0], 'cgroup.procs');
    return all === null ? null : all.split('\n').filter((pid) => pid !== '');
  }

  /** how often the kernel has killed one of its processes for want of memory */
  get outOfMemory(): number {
    return field(read(this.#folders.memory, this.#version === 'v1' ? 'memory.oom_control' : 'memory.events'), 'oom_kill') ?? 0;
  }

  /** Kills all in it. @returns whether there was any: they may take a moment to be gone */
  kill(): boolean {
    const pids = this.places.flatMap((folder) => (read(folder, 'cgroup.procs') ?? '').split('\n').filter((pid) => pid !== ''));
    for (const pid of new Set(pids)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
    return pids.length > 0;
  }

  /** Takes it away once nothing runs in it. The kernel may need a moment to see that. */
  async remove(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      if (this.tryRemove()) return;
      await setTimeout(20);
    }
  }

  /** @returns whether it is gone */
  tryRemove(): boolean {
    for (const folder of this.places) {
      try {
        if (existsSync(folder)) rmdirSync(folder);
      } catch {
        // something runs in it, or its last process is just ending
      }
    }
    return this.places.every((folder) => !existsSync(folder));
  }

  /** the names of the groups in it */
  get children(): string[] {
    const [folder] = this.places;
    if (folder === undefined || !existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  }

  child(name: string): Cgroup {
    const folders = Object.fromEntries(Object.entries(this.#folders).map(([controller, folder]) => [controller, join(folder, name)]));
    return new Cgroup(this.#version, folders);
  }

  #write(controller: Controller, files: Record<string, string>): void {
    const folder = this.#folders[controller];
    if (folder === undefined) return;
    for (const [name, value] of Object.entries(files)) {
      const path = join(folder, name.replace('?', ''));
      if (name.endsWith('?') && !existsSync(path)) continue;
      writeFileSync(path, value);
    }
  }
}
