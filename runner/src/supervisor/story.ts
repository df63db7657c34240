import { mkdirSync } from 'node:fs';
import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { BuildLog } from '../control/build-log.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import { saveRecord, type WorkspaceRecord } from './record.ts';
import { reasonOf, StartFailure } from './start-failure.ts';

const MOST_ERROR = 2000;

export interface StoryContext {
  log: Log;
  report(report: WorkspaceReport): void;
  followLog(workspaceId: string, log: BuildLog): void;
  forgetLog(workspaceId: string): void;
  logChanged(workspaceId: string): void;
}

/** What is told of one workspace, and what is remembered of that on disk. */
export class Story {
  readonly record: Readonly<WorkspaceRecord>;
  readonly folder: string;
  readonly #context: StoryContext;
  readonly #record: WorkspaceRecord;
  #log: BuildLog | null = null;

  constructor(context: StoryContext, folder: string, record: WorkspaceRecord) {
    [this.#context, this.folder, this.#record, this.record] = [context, folder, record, record];
  }

  /** of the last start; null: none since this runner began */
  get log(): BuildLog | null {
    return this.#log;
  }

  openLog(generation: number): BuildLog {
    const { workspaceId } = this.record;
    this.closeLog();
    this.#log = new BuildLog(this.folder, generation, () => this.#context.logChanged(workspaceId));
    this.#context.followLog(workspaceId, this.#log);
    return this.#log;
  }

  /** Nothing of it is sent any more: its descriptor may be that of another file by then. */
  closeLog(): void {
    this.#context.forgetLog(this.record.workspaceId);
    this.#log?.close();
    this.#log = null;
  }

  report(report: Omit<WorkspaceReport, 'workspaceId'>): void {
    this.#context.report({ workspaceId: this.record.workspaceId, ...report });
  }

  /** Tells the end of a story before it remembers it: a kill in between repeats it rather than losing it. */
  settle(generation: number, phase: 'running' | 'stopped' | 'failed', more: Partial<WorkspaceReport> = {}): void {
    this.report({ generation, phase, ...more });
    this.remember({ settled: { generation, phase } });
  }

  fail(generation: number, error: unknown): void {
    const message = messageOf(error).slice(0, MOST_ERROR);
    const reason = reasonOf(error, this.folder);
    this.#context.log.error(`${this.record.name} failed (${reason}): ${message.split('\n')[0] ?? ''}`);
    // On a full disk the log has no room for it; the report goes out all the same.
    if (reason !== 'machine-full') this.#log?.line(`${message}\n`);
    const exitCode = error instanceof StartFailure ? error.exitCode : null;
    this.settle(generation, 'failed', { error: message, reason, ...(exitCode === null ? {} : { exitCode }) });
  }

  /** The folder is gone, with the record in it. */
  end(generation: number): void {
    this.#record.settled = { generation, phase: 'deleted' };
    this.report({ generation, phase: 'deleted' });
  }

  /** On a full disk only this runner knows it, and the next one does and tells it again: a workspace can still be stopped. */
  remember(change: Partial<WorkspaceRecord>): void {
    Object.assign(this.#record, change);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      saveRecord(this.folder, this.#record);
    } catch (error) {
      this.#context.log.error(`${this.record.name} can't be remembered: ${messageOf(error)}`);
    }
  }
}
