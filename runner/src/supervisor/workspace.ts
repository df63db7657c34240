import { mkdirSync } from 'node:fs';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import type { WorkspaceOrder, WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { BuildLog } from '../control/build-log.ts';
import { messageOf } from '../failure.ts';
import { WorkspaceLink, type LinkContext } from '../link/workspace-link.ts';
import type { Log } from '../log.ts';
import type { Sandbox, SandboxDriver } from '../sandbox/driver.ts';
import type { Screens } from '../terminals/screens/screens.ts';
import { Terminals } from '../terminals/terminals.ts';
import { nextStep } from './plan.ts';
import { saveRecord, type WorkspaceRecord } from './record.ts';
import { removeTree } from './remove-tree.ts';
import { StartFailure, startWorkspace } from './start.ts';

/** What every workspace of this runner needs. */
export interface WorkspaceContext {
  link: LinkContext;
  log: Log;
  screens: Screens;
  /** the driver for an order, or why there is none */
  driverFor(order: WorkspaceOrder): SandboxDriver | string;
  report(report: WorkspaceReport): void;
  followLog(workspaceId: string, log: BuildLog): void;
  logChanged(workspaceId: string): void;
  forgotten(workspaceId: string): void;
}

interface Running {
  generation: number;
  sandbox: Sandbox;
  link: WorkspaceLink;
}

const MOST_ERROR = 2000;
/** the control link tells what these mean for the workspace */
const EXPECTED_ENDS: readonly (number | null)[] = [CLOSE_CODES.stopped.code, CLOSE_CODES.gone.code];

/** One workspace: takes what is wanted and works towards it, one step at a time. */
export class Workspace {
  readonly #context: WorkspaceContext;
  readonly #folder: string;
  readonly #record: WorkspaceRecord;
  #wanted: WorkspaceOrder | null | undefined;
  #running: Running | null = null;
  #log: BuildLog | null = null;
  #abort: AbortController | null = null;
  #starting: number | null = null;
  #work: Promise<void> | null = null;
  #busy = false;
  /** why the sandbox was lost, until that is dealt with */
  #lostWhy: string | null = null;
  #closing = false;

  constructor(context: WorkspaceContext, folder: string, record: WorkspaceRecord) {
    this.#context = context;
    this.#folder = folder;
    this.#record = record;
  }

  get inventory(): { workspaceId: string; generation: number; phase: 'running' | 'stopped' } {
    const { workspaceId, generation } = this.#record;
    return { workspaceId, generation: this.#running?.generation ?? generation, phase: this.#running === null ? 'stopped' : 'running' };
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Takes what the tenant wants now; null: it does not list this workspace. */
  want(order: WorkspaceOrder | null): void {
    if (order !== null && this.#wanted && order.generation < this.#wanted.generation) return;
    this.#wanted = order;
    const stillStarting = order?.desired === 'running' && order.generation === this.#starting;
    if (this.#starting !== null && !stillStarting) this.#abort?.abort();
    this.#wake();
  }

  /** Stops what runs and keeps everything, because the runner ends. Nothing is reported: the tenant still wants it. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#abort?.abort();
    await this.#work;
    await this.#halt();
    this.#log?.close();
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#work = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closing && (await this.#step()));
    } catch (error) {
      // A full disk, say. The next order, or the next connection, tries again.
      this.#context.log.error(`Workspace ${this.#record.workspaceId}: ${messageOf(error)}`);
    } finally {
      this.#busy = false;
    }
  }

  /** @returns whether there may be more to do */
  async #step(): Promise<boolean> {
    if (this.#lostWhy !== null) await this.#failLost(this.#lostWhy);
    const wanted = this.#wanted;
    if (wanted === undefined) return false;
    const step = nextStep(wanted, { running: this.#running?.generation ?? null, settled: this.#record.settled });
    if (step === 'halt') await this.#halt();
    else if (wanted === null || step === 'none') return this.#wanted !== wanted || this.#lostWhy !== null;
    else if (step === 'start') await this.#start(wanted);
    else if (step === 'stop') await this.#stop(wanted);
    else await this.#delete(wanted);
    return step !== 'delete';
  }

  async #start(order: WorkspaceOrder): Promise<void> {
    const { generation, name } = order;
    this.#remember({ name, generation });
    this.#abort = new AbortController();
    this.#starting = generation;
    const { signal } = this.#abort;
    try {
      const log = this.#openLog(generation);
      const driver = this.#context.driverFor(order);
      if (typeof driver === 'string') throw new StartFailure(driver);
      this.#context.log.info(`Starting ${name} (${this.#record.workspaceId}, ${driver.kind})`);
      const progress = (step: string, percent: number) => this.#report({ generation, phase: 'starting', step, percent });
      const sandbox = await startWorkspace({ order, folder: this.#folder, driver, log, signal, progress });
      progress('Connecting', 95);
      await this.#connect(order, sandbox, signal);
      this.#settle(generation, 'running');
      this.#context.log.info(`${name} is running`);
    } catch (error) {
      // Aborted: whatever is wanted now is worked out next, and reported then.
      if (!signal.aborted) this.#fail(generation, error);
    } finally {
      this.#abort = null;
      this.#starting = null;
    }
  }

  /** Dials the workspace's link and waits until the platform has taken it. */
  async #connect(order: WorkspaceOrder, sandbox: Sandbox, signal: AbortSignal): Promise<void> {
    const { generation, workspaceId } = order;
    const hello = { workspaceId, generation, root: sandbox.root, sandbox: sandbox.kind };
    const services = { terminals: new Terminals(sandbox.helper, this.#context.screens), helper: sandbox.helper };
    await new Promise<void>((resolve, reject) => {
      const link = new WorkspaceLink(this.#context.link, hello, services, {
        ready: resolve,
        refused: (why, code) => {
          reject(new StartFailure(`The platform refused the workspace's connection: ${why}`));
          if (!EXPECTED_ENDS.includes(code)) this.#lost(sandbox, `The platform ended the workspace's connection: ${why}`);
        },
      });
      this.#running = { generation, sandbox, link };
      void sandbox.ended.then((why) => {
        reject(new StartFailure(`The sandbox ended: ${why}`));
        this.#lost(sandbox, `The sandbox ended unexpectedly: ${why}`);
      });
      signal.addEventListener('abort', () => reject(new StartFailure('cancelled')), { once: true });
    }).catch(async (error: unknown) => {
      await this.#halt();
      throw error;
    });
  }

  /** Something took the sandbox away while it should run. */
  #lost(sandbox: Sandbox, why: string): void {
    if (this.#running?.sandbox !== sandbox || this.#starting !== null || this.#closing) return;
    this.#lostWhy = why;
    this.#wake();
  }

  async #failLost(why: string): Promise<void> {
    this.#lostWhy = null;
    const generation = this.#running?.generation;
    await this.#halt();
    if (generation !== undefined) this.#fail(generation, new StartFailure(why));
  }

  async #stop(order: WorkspaceOrder): Promise<void> {
    const { generation } = order;
    this.#remember({ generation });
    if (this.#running !== null) this.#report({ generation, phase: 'stopping' });
    await this.#halt();
    this.#settle(generation, 'stopped');
    this.#context.log.info(`${order.name} is stopped`);
  }

  async #delete(order: WorkspaceOrder): Promise<void> {
    await this.#halt();
    this.#log?.close();
    this.#log = null;
    await removeTree(this.#folder);
    this.#record.settled = { generation: order.generation, phase: 'deleted' };
    this.#report({ generation: order.generation, phase: 'deleted' });
    this.#context.log.info(`${order.name} is deleted`);
    this.#context.forgotten(this.#record.workspaceId);
  }

  async #halt(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    running.link.stop();
    await running.sandbox.stop();
  }

  #openLog(generation: number): BuildLog {
    const { workspaceId } = this.#record;
    this.#log?.close();
    this.#log = new BuildLog(this.#folder, generation, () => this.#context.logChanged(workspaceId));
    this.#context.followLog(workspaceId, this.#log);
    return this.#log;
  }

  #fail(generation: number, error: unknown): void {
    const message = messageOf(error).slice(0, MOST_ERROR);
    this.#log?.line(`${message}\n`);
    this.#context.log.error(`${this.#record.name} failed: ${message.split('\n')[0] ?? ''}`);
    const exitCode = error instanceof StartFailure ? error.exitCode : undefined;
    this.#settle(generation, 'failed', { error: message, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  /** Tells the end of a story before it remembers it: a kill in between repeats it rather than losing it. */
  #settle(generation: number, phase: 'running' | 'stopped' | 'failed', more: Partial<WorkspaceReport> = {}): void {
    this.#report({ generation, phase, ...more });
    this.#remember({ settled: { generation, phase } });
  }

  #report(report: Omit<WorkspaceReport, 'workspaceId'>): void {
    this.#context.report({ workspaceId: this.#record.workspaceId, ...report });
  }

  #remember(change: Partial<WorkspaceRecord>): void {
    Object.assign(this.#record, change);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    saveRecord(this.#folder, this.#record);
  }
}
