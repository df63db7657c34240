import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { Measured } from '../control/usage.ts';
import { messageOf } from '../failure.ts';
import { clipboardBound, PolicyRefused, type PolicyChecker, type SignedPolicy } from '../link/policy.ts';
import type { LinkContext } from '../link/workspace-link.ts';
import type { DialStream } from '../connection/socket.ts';
import { about } from '../log.ts';
import type { Recorder } from '../recording/recorder.ts';
import { PolicedTape } from '../recording/terminal-tape.ts';
import type { RootfsStore } from '../rootfs/store.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import type { Drivers } from '../sandbox/choose.ts';
import { ADOPTED_WITHIN_MS } from '../sandbox/helper-program.ts';
import { bootId } from '../state/process-id.ts';
import { TerminalMemory } from '../terminals/memory.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';
import type { Screens } from '../terminals/screens/screens.ts';
import { Terminals, type TerminalPolicy } from '../terminals/terminals.ts';
import { Egress, type EgressContext } from './egress.ts';
import { nextStep } from './plan.ts';
import { loadTrace, removeTrace, saveTrace, type RunningTrace, type WorkspaceRecord } from './record.ts';
import { removeTree } from './remove-tree.ts';
import { Running } from './running.ts';
import { startWorkspace } from './start.ts';
import { StartFailure } from './start-failure.ts';
import { runStopScript } from './stop-script.ts';
import { Story, type StoryContext } from './story.ts';

/** What every workspace of this runner needs. */
export interface WorkspaceContext extends StoryContext {
  link: LinkContext;
  dialStream: DialStream;
  policies: Pick<PolicyChecker, 'check'>;
  egress: EgressContext;
  screens: Screens;
  recorder: Recorder;
  drivers: Pick<Drivers, 'choose' | 'adopt' | 'sweep'>;
  rootfs: Pick<RootfsStore, 'use'>;
  snapshots: Pick<Snapshots, 'want' | 'stopped' | 'bring' | 'drop'>;
  forgotten(workspaceId: string): void;
}

const NOW_LIMITED = 'The policy now limits where the workspace connects to (egress). Start it again: its files are kept.';
/** Whoever ended it knows. */
const forget = (memory: TerminalMemory) => memory.forget();

const restoreFailed = (error: unknown): never => {
  throw new StartFailure('restore-failed', messageOf(error), null, error);
};

/** One workspace: takes what is wanted and works towards it, one step at a time. */
export class Workspace {
  readonly #context: WorkspaceContext;
  readonly #folder: string;
  readonly #story: Story;
  #wanted: WorkspaceOrder | null | undefined;
  #running: Running | null = null;
  #abort: AbortController | null = null;
  #starting: number | null = null;
  #work: Promise<void> | null = null;
  #busy = false;
  /** why the sandbox was lost, until that is dealt with */
  #lostWhy: StartFailure | null = null;
  #closing = false;
  /** what the deployment wants enforced; null: not known yet */
  #policy: SignedPolicy | null = null;
  /** of the order that was looked at last */
  #signed: Pick<WorkspaceOrder, 'policy' | 'network'> = {};
  readonly #egress: Egress;
  readonly #subject: { folder: string; isRunning(): boolean };

  constructor(context: WorkspaceContext, folder: string, record: WorkspaceRecord) {
    const log = about(context.log, { workspace: record.workspaceId });
    this.#context = { ...context, log, link: { ...context.link, log } };
    this.#folder = folder;
    this.#story = new Story(context, folder, record);
    this.#egress = new Egress(context.egress, record.workspaceId, folder);
    this.#subject = { folder, isRunning: () => this.isRunning };
    this.#egress.notice = (text) => this.#running?.notice(text);
  }

  get inventory(): { workspaceId: string; generation: number; phase: 'running' | 'stopped' } {
    const { workspaceId, generation } = this.#story.record;
    return { workspaceId, generation: this.#running?.generation ?? generation, phase: this.#running === null ? 'stopped' : 'running' };
  }

  /** digest of the root file system that it runs with */
  get rootfs(): string | null {
    return this.#running?.sandbox.trace.rootfs ?? null;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** terminals whose program runs */
  get terminals(): number {
    return this.#running?.terminals ?? 0;
  }

  get measured(): Measured | null {
    return this.#running?.measured ?? null;
  }

  /** A line for all of its terminals, if it runs. */
  notice(text: string): void {
    void this.#running?.sandbox.helper.call({ method: 'terminal.note', text });
  }

  /** Takes what the tenant wants now; null: it does not list this workspace. */
  want(order: WorkspaceOrder | null): void {
    if (order !== null && this.#wanted && order.generation < this.#wanted.generation) return;
    this.#wanted = order;
    if (order !== null && order.desired !== 'deleted') this.#context.snapshots.want(order, this.#subject);
    const stillStarting = order !== null && order.desired !== 'deleted' && order.generation === this.#starting;
    if (this.#starting !== null && !stillStarting) this.#abort?.abort();
    this.#wake();
  }

  /** Takes over what an earlier runner left running; what can't be taken over is ended. */
  async adopt(): Promise<void> {
    const { drivers, log } = this.#context;
    const trace = loadTrace(this.#folder);
    const memory = new TerminalMemory(this.#folder);
    try {
      if (trace !== null) await this.#takePolicy(this.#story.record).catch(() => undefined);
      if (trace !== null) return await this.#takeOver(trace, memory);
    } catch (error) {
      log.warn(`${this.#story.record.name} can't be taken over and is started anew: ${messageOf(error)}`);
    }
    const isRestart = trace !== null && trace.first.boot !== bootId();
    memory.lose(isRestart ? "The runner's machine restarted" : 'The workspace did not survive the restart of its runner');
    await drivers.sweep(this.#folder, trace);
    removeTrace(this.#folder);
  }

  async #takeOver(trace: RunningTrace, memory: TerminalMemory): Promise<void> {
    const sandbox = await this.#context.drivers.adopt(this.#folder, trace);
    if (trace.network === 'own') await this.#egress.reopen();
    // A helper that was tampered with must not hold up the runner.
    const late = setTimeout(() => void sandbox.stop(), ADOPTED_WITHIN_MS);
    try {
      const terminals = await Terminals.adopt(sandbox.helper, memory, this.#context.screens, this.#terminalPolicy);
      this.#serve({ generation: trace.generation, order: null, sandbox, memory, terminals });
      sandbox.helper.keep();
    } catch (error) {
      await sandbox.stop();
      throw error;
    } finally {
      clearTimeout(late);
    }
    const { workspaceId, name, settled } = this.#story.record;
    // The earlier runner may have been killed just before it said so.
    if (settled?.phase !== 'running' || settled.generation !== trace.generation) this.#story.settle(trace.generation, 'running');
    this.#context.log.info(`${name} (${workspaceId}) runs on`);
  }

  /** Stops what runs and keeps everything, because the runner ends. Nothing is reported: the tenant still wants it. */
  async close(): Promise<void> {
    await this.#rest();
    await this.#halt((memory) => memory.lose('The runner was restarted'));
  }

  /** Leaves what runs to the next runner. */
  async leave(): Promise<void> {
    await this.#rest();
    this.#running?.leave();
    this.#egress.end();
    this.#running = null;
  }

  async #rest(): Promise<void> {
    this.#closing = true;
    this.#abort?.abort();
    await this.#work;
    this.#story.closeLog();
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
      this.#context.log.error(`Workspace ${this.#story.record.workspaceId}: ${messageOf(error)}`);
    } finally {
      this.#busy = false;
    }
  }

  /** @returns whether there may be more to do */
  async #step(): Promise<boolean> {
    if (this.#lostWhy !== null) await this.#failLost(this.#lostWhy);
    const wanted = this.#wanted;
    if (wanted === undefined) return false;
    if (wanted?.desired === 'running' && this.#running !== null) await this.#renewPolicy(wanted);
    const step = nextStep(wanted, { running: this.#running?.generation ?? null, settled: this.#story.record.settled });
    if (wanted === null) await this.#context.snapshots.drop(this.#story.record.workspaceId);
    if (step === 'halt') {
      if (wanted !== null) await this.#runStopScript(wanted);
      await this.#halt(forget);
    } else if (wanted === null || step === 'none') return this.#wanted !== wanted || this.#lostWhy !== null;
    else if (step === 'start') await this.#start(wanted);
    else if (step === 'stop') await this.#stop(wanted);
    else await this.#delete(wanted);
    return step !== 'delete';
  }

  async #start(order: WorkspaceOrder): Promise<void> {
    const { generation, name } = order;
    this.#abort = new AbortController();
    this.#starting = generation;
    const { signal } = this.#abort;
    try {
      this.#story.remember({ name, generation });
      const log = this.#story.openLog(generation);
      await this.#takePolicy(order);
      await this.#egress.takeCredentials(order.gitCredentials);
      const driver = this.#context.drivers.choose(order);
      if (typeof driver === 'string') throw new StartFailure('driver-missing', driver);
      this.#context.log.info(`Starting ${name} (${this.#story.record.workspaceId}, ${driver.kind})`);
      const progress = (step: string, percent: number) => this.#story.report({ generation, phase: 'starting', step, percent });
      await this.#context.snapshots
        .bring(order, this.#subject, signal, (percent) => progress('Restoring the home', Math.min(percent, 95)))
        .catch(restoreFailed);
      const network = await this.#egress.open();
      const { rootfs } = this.#context;
      const sandbox = await startWorkspace({ order, folder: this.#folder, driver, rootfs, network, log, signal, progress });
      progress('Connecting', 95);
      await this.#connect(order, sandbox, signal);
      saveTrace(this.#folder, { generation, ...sandbox.trace });
      sandbox.helper.keep();
      this.#story.settle(generation, 'running');
      this.#context.log.info(`${name} is running`);
    } catch (error) {
      // Whatever it was, what is said to have failed does not run.
      await this.#halt((memory) => memory.lose('The workspace could not be started'));
      this.#egress.end();
      // Aborted: whatever is wanted now is worked out next, and reported then.
      if (!signal.aborted) this.#story.fail(generation, error);
    } finally {
      this.#abort = null;
      this.#starting = null;
    }
  }

  /** A workspace that runs gets what the tenant wants now. One that can't be enforced ends it; one that is not true is not taken. */
  async #renewPolicy(order: WorkspaceOrder): Promise<void> {
    await this.#egress.takeCredentials(order.gitCredentials);
    if (order.policy === this.#signed.policy && order.network === this.#signed.network) return;
    try {
      await this.#takePolicy(order);
      if (this.#egress.isLimited && this.#running?.sandbox.trace.network === 'machine')
        throw new PolicyRefused(NOW_LIMITED, { isBeyondUs: true });
    } catch (error) {
      this.#context.log.error(`The policy of ${order.name} is refused: ${messageOf(error)}`);
      if (error instanceof PolicyRefused && error.isBeyondUs) await this.#failLost(new StartFailure('policy-refused', error.message));
    }
  }

  /** @throws PolicyRefused, and then what was in force stays so */
  async #takePolicy({ policy, network }: Pick<WorkspaceOrder, 'policy' | 'network'>): Promise<void> {
    this.#signed = { policy, network };
    const taken = await this.#context.policies.check(policy, this.#story.record.workspaceId, network);
    if (this.#policy !== null && taken.issuedAt < this.#policy.issuedAt) throw new PolicyRefused('An older policy came after a newer one');
    this.#policy = taken;
    this.#egress.policy = taken;
    this.#running?.allow(taken.opens);
    if (policy !== this.#story.record.policy || network !== this.#story.record.network) this.#story.remember({ policy, network });
  }

  /** Serves the workspace and waits until the platform has taken its link. */
  async #connect(order: WorkspaceOrder, sandbox: Sandbox, signal: AbortSignal): Promise<void> {
    const { generation } = order;
    const memory = new TerminalMemory(this.#folder);
    const terminals = new Terminals(sandbox.helper, memory, this.#context.screens, this.#terminalPolicy);
    const { taken } = this.#serve({ generation, order, sandbox, memory, terminals });
    const cancelled = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new StartFailure('failed', 'cancelled')), { once: true });
    });
    await Promise.race([taken, cancelled]);
  }

  #serve(parts: Omit<ConstructorParameters<typeof Running>[1], 'workspaceId'>): Running {
    const made = { ...parts, workspaceId: this.#story.record.workspaceId };
    this.#running = new Running(
      this.#context,
      made,
      () => this.#policy,
      (running, why) => this.#lost(running, why),
    );
    return this.#running;
  }

  /** Something took the sandbox away while it should run. */
  #lost(running: Running, why: StartFailure): void {
    if (this.#running !== running || this.#starting !== null || this.#closing) return;
    this.#lostWhy = why;
    this.#wake();
  }

  async #failLost(why: StartFailure): Promise<void> {
    this.#lostWhy = null;
    const generation = this.#running?.generation;
    await this.#halt((memory) => memory.lose('The workspace ended unexpectedly'));
    if (generation !== undefined) this.#story.fail(generation, why);
  }

  async #stop(order: WorkspaceOrder): Promise<void> {
    const { generation } = order;
    this.#story.remember({ generation });
    if (this.#running !== null) this.#story.report({ generation, phase: 'stopping' });
    const trouble = await this.#runStopScript(order);
    await this.#halt(forget);
    new TerminalMemory(this.#folder).forget();
    if (!(await this.#restore(order))) return;
    this.#story.settle(generation, 'stopped', trouble === null ? {} : { reason: 'stop-script-failed', error: trouble });
    this.#context.snapshots.stopped(order.workspaceId);
    this.#context.log.info(`${order.name} is stopped`);
  }

  /** Makes the home anew while nothing runs, if that is wanted. @returns whether it is as wanted */
  async #restore(order: WorkspaceOrder): Promise<boolean> {
    const { generation } = order;
    const abort = new AbortController();
    this.#abort = abort;
    this.#starting = generation;
    try {
      const progress = (percent: number) => this.#story.report({ generation, phase: 'stopping', step: 'Restoring the home', percent });
      await this.#context.snapshots.bring(order, this.#subject, abort.signal, progress).catch(restoreFailed);
      return true;
    } catch (error) {
      if (!abort.signal.aborted) this.#story.fail(generation, error);
      return false;
    } finally {
      this.#abort = null;
      this.#starting = null;
    }
  }

  /** That of the version which runs; where an earlier runner started it, that of the order. @returns what went wrong */
  async #runStopScript(order: WorkspaceOrder): Promise<string | null> {
    const running = this.#running;
    if (running === null) return null;
    const { spec, secrets } = running.order ?? order;
    if (spec.stopScript.trim() === '') return null;
    if (order.desired === 'stopped')
      this.#story.report({ generation: order.generation, phase: 'stopping', step: 'Running the stop script' });
    return runStopScript(running.sandbox, { script: spec.stopScript, secrets }, this.#story.log);
  }

  async #delete(order: WorkspaceOrder): Promise<void> {
    await this.#runStopScript(order);
    await this.#halt(forget);
    await this.#context.snapshots.drop(order.workspaceId);
    this.#story.closeLog();
    await removeTree(this.#folder);
    this.#story.end(order.generation);
    this.#context.log.info(`${order.name} is deleted`);
    this.#context.forgotten(this.#story.record.workspaceId);
  }

  /** Stops what runs. @param tell what is remembered of its terminals */
  async #halt(tell: (memory: TerminalMemory) => void): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    await running.end(tell);
    this.#egress.end();
    removeTrace(this.#folder);
  }

  readonly #terminalPolicy: TerminalPolicy = {
    tapes: (terminal) => {
      const { workspaceId } = this.#story.record;
      return new PolicedTape(this.#context.recorder, { workspaceId, ...terminal }, () => this.#policy?.policy ?? null);
    },
    mostCopied: () => clipboardBound(this.#policy?.policy ?? null, 'clipboardOut'),
  };
}
