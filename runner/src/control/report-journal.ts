import { existsSync, readFileSync } from 'node:fs';
import {
  happening,
  workspaceReport,
  type FromRunner,
  type Happening,
  type WorkspaceReport,
} from '@gatehouse/core/protocol/runner-control.ts';
import { z } from 'zod';
import type { Clock } from '../connection/clock.ts';
import { Failure } from '../failure.ts';
import { writeFromReserve } from '../state/atomic-file.ts';
import { faultsOf } from '../state/config.ts';

const number = { report: z.number().int().min(1), time: z.iso.datetime() };
const reported = z.object({ kind: z.literal('report').default('report'), ...number, body: workspaceReport });
const happened = z.object({ kind: z.literal('happened'), ...number, body: happening });
/** A release before kept reports alone, without their kind. */
const numbered = z.union([reported, happened]);
const journalFile = z.object({ next: z.number().int().min(1), pending: z.array(numbered) });
export type NumberedReport = Extract<FromRunner, { kind: 'report' | 'happened' }>;

/** so many wait at most before nothing more is taken of what only happened */
const MOST_HAPPENINGS = 2000;

/** Reports are numbered without gaps and stay on disk until the platform has stored them. */
export class ReportJournal {
  readonly #path: string;
  readonly #clock: Pick<Clock, 'now'>;
  #next = 1;
  #pending: NumberedReport[] = [];

  /** @throws Failure when the file is damaged */
  constructor(path: string, clock: Pick<Clock, 'now'>) {
    this.#path = path;
    this.#clock = clock;
    if (!existsSync(path)) return;
    let value: unknown = null;
    try {
      value = JSON.parse(readFileSync(path, 'utf8'));
    } catch {
      // told below, as any other damage
    }
    const file = journalFile.safeParse(value);
    if (!file.success) throw new Failure(`${path} is damaged (${faultsOf(file.error)}). Enrol again with --force.`);
    this.#next = file.data.next;
    this.#pending = file.data.pending;
  }

  get pending(): readonly NumberedReport[] {
    return this.#pending;
  }

  add(body: WorkspaceReport): NumberedReport {
    return this.#add({ kind: 'report', ...this.#number(), body });
  }

  /** Null: too much waits already. A platform that is away must not fill the disk. */
  addHappening(body: Happening): NumberedReport | null {
    return this.#pending.length >= MOST_HAPPENINGS ? null : this.#add({ kind: 'happened', ...this.#number(), body });
  }

  #number() {
    return { report: this.#next, time: new Date(this.#clock.now()).toISOString() };
  }

  #add(report: NumberedReport): NumberedReport {
    this.#next += 1;
    this.#pending.push(report);
    this.#save();
    return report;
  }

  /** Everything up to this number is stored. */
  stored(report: number): void {
    const rest = this.#pending.filter((pending) => pending.report > report);
    if (rest.length === this.#pending.length) return;
    this.#pending = rest;
    this.#save();
  }

  #save(): void {
    writeFromReserve(this.#path, JSON.stringify({ next: this.#next, pending: this.#pending }));
  }
}
