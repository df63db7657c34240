import { Worker } from 'node:worker_threads';
import { messageOf } from '../../failure.ts';
import type { Log } from '../../log.ts';
import type { Size } from '../size.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Screen, Screens, Step } from './screens.ts';

/** A worker that ended younger than this is not started again before it would have been as old. */
const YOUNG = 1000;
const MOST_HEAP_MB = 256;

interface Job {
  screen: number;
  worker: Worker | null;
  take: () => Step[];
  answer: (state: FromWorker) => void;
}

/**
 * The screens of all terminals of this runner, drawn by one thread that starts with the first of them. Whatever happens to
 * it, the runner goes on: the screens it had are over, and the next one starts it anew.
 */
export class WorkerScreens implements Screens {
  readonly #program: string;
  readonly #log: Log;
  readonly #now: () => number;
  #worker: Worker | null = null;
  #startedAt = -Infinity;
  #opened = 0;
  /** The first is being drawn. The others wait here, where they cost nothing: their output stays in its ring. */
  readonly #jobs: Job[] = [];

  /** @param program path of the built worker, @param now in milliseconds, from anywhere */
  constructor(program: string, log: Log, now: () => number = () => performance.now()) {
    this.#program = program;
    this.#log = log;
    this.#now = now;
  }

  open(size: Size): Screen {
    const screen = ++this.#opened;
    const worker = this.#worker ?? this.#start();
    worker?.postMessage({ kind: 'open', screen, size } satisfies ToWorker);
    return {
      advance: (take) => new Promise((answer) => this.#add({ screen, worker, take, answer })),
      close: () => worker?.postMessage({ kind: 'close', screen } satisfies ToWorker),
    };
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    if (this.#jobs.length === 1) this.#next();
  }

  #next(): void {
    const [job] = this.#jobs;
    if (job === undefined) return;
    if (job.worker === null || job.worker !== this.#worker) return this.#done(null);
    const steps = job.take();
    const buffers = steps.flatMap((step) => (step instanceof Uint8Array ? [step.buffer] : []));
    job.worker.postMessage({ kind: 'advance', screen: job.screen, steps } satisfies ToWorker, buffers);
  }

  #done(state: FromWorker): void {
    this.#jobs.shift()?.answer(state);
    this.#next();
  }

  #start(): Worker | null {
    if (this.#now() - this.#startedAt < YOUNG) return null;
    this.#startedAt = this.#now();
    const resourceLimits = { maxOldGenerationSizeMb: MOST_HEAP_MB };
    const worker = new Worker(this.#program, { name: 'screens', resourceLimits, stdout: true, stderr: true });
    worker.unref();
    // xterm.js remarks there how long it took to tidy up
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (state: FromWorker) => this.#done(state));
    worker.on('error', (error) => this.#log.warn(`The drawing of terminals failed and starts anew: ${messageOf(error)}`));
    worker.on('exit', () => {
      this.#worker = null;
      this.#done(null);
    });
    this.#worker = worker;
    return worker;
  }
}
