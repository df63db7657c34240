import { othersCgroupOf } from '../../limits/find-cgroups.ts';
import type { Controller } from '../../limits/cgroup.ts';
import type { Gauge } from '../../limits/watch.ts';

/**
 * What a container uses, read where the kernel counts it for its engine: that is at once, and tells of each program that
 * was killed for want of memory. Of a container that is gone its engine tells.
 */
export class ContainerGauge implements Gauge {
  readonly controls: Controller[];
  readonly #group: ReturnType<typeof othersCgroupOf>;
  #killed = 0;

  /** @param pid of its first process @param controls what the engine holds it to */
  constructor(pid: number, controls: Controller[]) {
    this.controls = controls;
    this.#group = othersCgroupOf(pid);
  }

  get cpuMs(): number | null {
    return this.#group?.cpuMs ?? null;
  }

  get memoryBytes(): number | null {
    return this.#group?.memoryBytes ?? null;
  }

  get tasks(): number | null {
    return this.#group?.tasks ?? null;
  }

  get pids(): string[] | null {
    return this.#group?.pids ?? null;
  }

  get outOfMemory(): number {
    this.#killed = Math.max(this.#killed, this.#group?.outOfMemory ?? 0);
    return this.#killed;
  }

  /** The engine says that the kernel killed it: perhaps nobody has counted that any more. */
  killed(): void {
    this.#killed = Math.max(this.#killed, 1);
  }

  /** It goes with its container. */
  async remove(): Promise<void> {}
}
