import { StreamError, wordsOf } from '../../connection/stream-error.ts';
import { Speed } from './speed.ts';

export type JobState = 'queued' | 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';

/** What jobs need of the page around them. */
export interface JobPorts {
  now(): number;
  /** resolves once there is a connection @throws when the job is given up meanwhile */
  connection(signal: AbortSignal): Promise<void>;
}

/** One upload or download, of however many files, which outlives cut connections. */
export abstract class Job {
  abstract readonly direction: 'up' | 'down';
  readonly #ports: JobPorts;
  readonly #speed = new Speed();
  title = $state('');
  /** where to, or what about it */
  detail = $state('');
  state = $state<JobState>('queued');
  /** null: not known yet */
  total = $state<number | null>(null);
  moved = $state(0);
  /** bytes that were looked through before anything moves; null: nothing is looked through now */
  checked = $state<number | null>(null);
  /** bytes a second */
  rate = $state<number | null>(null);
  problem = $state<string | null>(null);
  #abort = new AbortController();

  constructor(ports: JobPorts) {
    this.#ports = ports;
  }

  get over(): boolean {
    return this.state === 'done' || this.state === 'failed' || this.state === 'cancelled';
  }

  get secondsLeft(): number | null {
    return this.rate === null || this.rate === 0 || this.total === null ? null : (this.total - this.moved) / this.rate;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Does it, to its end. */
  async run(): Promise<void> {
    if (this.state !== 'queued') return;
    this.state = 'running';
    try {
      await this.work();
      this.state = 'done';
    } catch (thrown) {
      if (this.signal.aborted) this.state = 'cancelled';
      else {
        this.problem = wordsOf(thrown);
        this.state = 'failed';
      }
      await this.giveUp().catch(() => undefined);
    }
    this.rate = null;
    this.checked = null;
  }

  cancel(): void {
    this.#abort.abort();
    if (this.state === 'queued') this.state = 'cancelled';
  }

  /** Makes ready to be run once more. */
  again(): void {
    this.#abort = new AbortController();
    this.problem = null;
    this.state = 'queued';
    this.#speed.forget();
  }

  protected abstract work(): Promise<void>;

  /** Leaves nothing behind. */
  protected async giveUp(): Promise<void> {}

  protected progress(moved: number): void {
    this.moved = moved;
    this.rate = this.#speed.note(moved, this.#ports.now());
  }

  /** Tries again after each cut, for as long as it takes. */
  protected async throughCuts<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        if (this.signal.aborted || !(thrown instanceof StreamError) || thrown.code !== 'disconnected') throw thrown;
        this.state = 'waiting';
        this.rate = null;
        this.#speed.forget();
        await this.#ports.connection(this.signal);
        this.state = 'running';
      }
    }
  }
}
