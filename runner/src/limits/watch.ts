import { setTimeout } from 'node:timers/promises';
import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { Sandbox, Trouble, Usage } from '../sandbox/driver.ts';
import type { Cgroup } from './cgroup.ts';
import { DiskUse } from './disk.ts';
import { Foreground } from './foreground.ts';
import { measureProcesses, processesOf } from './processes.ts';
import { outOfDisk, outOfMemory, sizeWords } from './words.ts';

const LOOK_EVERY_MS = 2000;
/** a full home is told of again: terminals that were opened since don't know */
const TELL_AGAIN_MS = 60_000;
const DISK_WITHIN_MS = 500;
/** what it ran into longer ago is no trouble any more */
const TROUBLED_MS = 15 * 60_000;
const MEBI = 1024 * 1024;
/** a home this near to its bound is told of, and one so far above it is stopped */
const [DISK_NEAR, DISK_OVER] = [0.9, 1.1];
/** a home that was above it before may grow by so much */
const DISK_MORE = 16 * MEBI;

/** What a sandbox uses, as the kernel counts it. */
export type Gauge = Pick<Cgroup, 'controls' | 'cpuMs' | 'memoryBytes' | 'tasks' | 'pids' | 'outOfMemory' | 'remove'>;

export interface Watched {
  /** folder of the workspace, with its home */
  folder: string;
  limits: TemplateLimits;
  /** null: the machine can't bound it as a whole, so that it is measured */
  cgroup: Gauge | null;
  /** whether a process is one of its */
  belongs(pid: string): boolean;
}

type Attached = Pick<Sandbox, 'helper' | 'ended' | 'stop' | 'leave'>;
type Guarded = Attached & Pick<Sandbox, 'usage' | 'trouble'>;

/** Measures one sandbox, tells its terminals what it runs into, and ends it where the kernel does not. */
class Watch {
  readonly #watched: Watched;
  readonly #attached: Attached;
  readonly #disk: DiskUse;
  readonly #foreground: Foreground;
  readonly #timer: NodeJS.Timeout;
  #killed: number;
  /** what it has run into last */
  #trouble: Trouble | null = null;
  #troubledAt = -Infinity;
  /** why it is being stopped */
  #over: Trouble | null = null;
  #toldOfDisk: 'nothing' | 'near' | 'full' = 'nothing';
  #toldAt = -Infinity;
  #busy = false;

  constructor(watched: Watched, attached: Attached) {
    this.#watched = watched;
    this.#attached = attached;
    const { folder, limits, cgroup } = watched;
    // All of the folder: a program can also write to what its helper has open there.
    this.#disk = new DiskUse(folder, limits.diskMb === null ? null : limits.diskMb * MEBI);
    this.#foreground = new Foreground(() => cgroup?.pids ?? processesOf(watched.belongs));
    this.#killed = cgroup?.outOfMemory ?? 0;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  async usage(): Promise<Usage> {
    const { cgroup, belongs } = this.#watched;
    const [cpuMs, memoryBytes, processes] = [cgroup?.cpuMs ?? null, cgroup?.memoryBytes ?? null, cgroup?.tasks ?? null];
    const counted = cpuMs === null || memoryBytes === null || processes === null ? measureProcesses(belongs) : null;
    // A large home takes minutes to walk, and the rest is worth knowing meanwhile.
    if (this.#disk.bytes === null) await Promise.race([this.#disk.look(Date.now()).catch(() => undefined), setTimeout(DISK_WITHIN_MS)]);
    return {
      cpuMs: cpuMs ?? counted?.cpuMs ?? null,
      memoryBytes: memoryBytes ?? counted?.memoryBytes ?? null,
      processes: processes ?? counted?.processes ?? null,
      diskBytes: this.#disk.bytes,
      foregroundMs: this.#foreground.look(),
    };
  }

  trouble(): Trouble | null {
    this.#lookAtKills();
    const recent = performance.now() - this.#troubledAt < TROUBLED_MS ? this.#trouble : null;
    return this.#over ?? recent;
  }

  /** Why it ended, where that was a limit. */
  whyEnded(why: string): string {
    this.#lookAtKills();
    return (this.#over ?? this.#trouble)?.words ?? why;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#lookAtKills();
      this.#lookAtMemory();
      await this.#lookAtDisk();
    } catch {
      // the folder may be going away with its workspace
    } finally {
      this.#busy = false;
    }
  }

  /** Whether the kernel has killed something since the last look. */
  #lookAtKills(): void {
    const killed = this.#watched.cgroup?.outOfMemory ?? 0;
    if (killed <= this.#killed) return;
    this.#killed = killed;
    this.#trouble = { reason: 'out-of-memory', words: outOfMemory(this.#watched.limits.memoryMb) };
    this.#troubledAt = performance.now();
    this.#tell(`A program was ended: ${this.#trouble.words}.`);
  }

  #lookAtMemory(): void {
    const { cgroup, limits, belongs } = this.#watched;
    if (limits.memoryMb === null || cgroup?.controls.includes('memory') === true) return;
    if ((measureProcesses(belongs).memoryBytes ?? 0) > limits.memoryMb * MEBI)
      this.#end({ reason: 'out-of-memory', words: outOfMemory(limits.memoryMb) });
  }

  async #lookAtDisk(): Promise<void> {
    const { diskMb } = this.#watched.limits;
    await this.#disk.look(Date.now());
    const { bytes } = this.#disk;
    if (bytes === null || diskMb === null) return;
    const most = diskMb * MEBI;
    // Who was over it must be able to start, and delete.
    if (bytes > Math.max(most * DISK_OVER, this.#disk.before + DISK_MORE))
      return this.#end({ reason: 'home-full', words: outOfDisk(diskMb) });
    const now = bytes > most ? 'full' : bytes > most * DISK_NEAR ? 'near' : 'nothing';
    if (now === this.#toldOfDisk && (now === 'nothing' || performance.now() - this.#toldAt < TELL_AGAIN_MS)) return;
    this.#toldOfDisk = now;
    this.#toldAt = performance.now();
    if (now !== 'nothing')
      this.#tell(
        `The home holds ${sizeWords(bytes / MEBI)} of its ${sizeWords(diskMb)}. Delete what is not needed: a workspace that grows further is stopped.`,
      );
  }

  #tell(text: string): void {
    void this.#attached.helper.call({ method: 'terminal.note', text });
  }

  #end(why: Trouble): void {
    if (this.#over !== null) return;
    this.#over = why;
    void this.#attached.stop();
  }
}

/** Watches over a sandbox from now on until it ends, or is left to another runner. */
export function watchOver(watched: Watched, attached: Attached): Guarded {
  const watch = new Watch(watched, attached);
  const ended = attached.ended.then(async (why) => {
    watch.end();
    const told = watch.whyEnded(why);
    await watched.cgroup?.remove();
    return told;
  });
  return {
    helper: attached.helper,
    ended,
    usage: () => watch.usage(),
    trouble: () => watch.trouble(),
    stop: async () => {
      await attached.stop();
      await ended;
    },
    leave: () => {
      watch.end();
      attached.leave();
    },
  };
}
