import type { ReadReport, ReadVolume } from '@gatehouse/core/protocol/runner-control.ts';
import type { Clock } from '../connection/clock.ts';

/** What bytes were read from. */
export type ReadKind = keyof ReadVolume;
/** Bytes that went to browsers since the runner began, of web apps too, whose sessions the platform counts. */
export type SentBytes = Record<ReadKind | 'apps', number>;

/** so many connections that are over wait at most to be told; a page that dials again and again must fill no memory */
const MOST_OVER = 2000;
const MOST_TOLD = 100;

/** What one connection reads. */
export interface Reading {
  count(kind: ReadKind, bytes: number): void;
  /** nothing more will be read */
  end(): void;
}

/**
 * SPEC D5: counts what each connection reads from a workspace, and tells the platform: now and then while it goes on, and once it is
 * over until that is stored. What was read in the moments before a runner is killed may be lost.
 */
export class Reads {
  readonly totals: SentBytes = { files: 0, terminals: 0, apps: 0, other: 0 };
  readonly #clock: Pick<Clock, 'now'>;
  /** by connection */
  readonly #reports = new Map<string, ReadReport>();
  /** connections of which something is to be told */
  readonly #changed = new Set<string>();
  #send: ((reports: ReadReport[]) => void) | null = null;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** connections that are there now */
  get open(): number {
    return [...this.#reports.values()].filter(({ endedAt }) => endedAt === null).length;
  }

  /** A web app has sent so much. */
  app(bytes: number): void {
    this.totals.apps += bytes;
  }

  begin(workspaceId: string, connectionId: string): Reading {
    const report: ReadReport = { workspaceId, connectionId, files: 0, terminals: 0, other: 0, endedAt: null };
    this.#reports.set(connectionId, report);
    return {
      count: (kind, bytes) => {
        report[kind] += bytes;
        this.totals[kind] += bytes;
        this.#changed.add(connectionId);
      },
      end: () => this.#end(report),
    };
  }

  /** The platform takes what is read from now on; what is over and not stored is told again. */
  online(send: (reports: ReadReport[]) => void): void {
    this.#send = send;
    for (const { connectionId, endedAt } of this.#reports.values()) if (endedAt !== null) this.#changed.add(connectionId);
    this.tell();
  }

  offline(): void {
    this.#send = null;
  }

  /** Tells what has changed since it was told last. */
  tell(): void {
    if (this.#send === null) return;
    const reports = [...this.#changed].flatMap((id) => this.#reports.get(id) ?? []);
    this.#changed.clear();
    for (let at = 0; at < reports.length; at += MOST_TOLD) this.#send(reports.slice(at, at + MOST_TOLD).map((report) => ({ ...report })));
  }

  /** The platform has stored the last of these connections. */
  stored(connectionIds: readonly string[]): void {
    for (const id of connectionIds) if (this.#reports.get(id)?.endedAt !== null) this.#reports.delete(id);
  }

  #end(report: ReadReport): void {
    if (report.endedAt !== null) return;
    report.endedAt = new Date(this.#clock.now()).toISOString();
    if (report.files + report.terminals + report.other === 0) return void this.#reports.delete(report.connectionId);
    this.#changed.add(report.connectionId);
    const over = [...this.#reports.values()].filter(({ endedAt }) => endedAt !== null);
    for (const { connectionId } of over.slice(0, Math.max(0, over.length - MOST_OVER))) this.#reports.delete(connectionId);
    this.tell();
  }
}
