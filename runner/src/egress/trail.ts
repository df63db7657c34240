import type { Socket } from 'node:net';
import type { EgressHappening } from '@gatehouse/core/protocol/runner-control.ts';
import type { Clock } from '../connection/clock.ts';
import { hintOf, printable } from './refusal.ts';

const MINUTE_MS = 60_000;
const USE_EVERY_MS = 60 * MINUTE_MS;
/** a program that tries every name in a dictionary is one story */
const MOST_PLACES = 30;
const MOST_HOSTS = 100;
const REST = '(others)';

/** Of all workspaces since the runner began. */
export interface EgressCounts {
  connections: number;
  refused: number;
}

export interface TrailContext {
  clock: Clock;
  /** for the audit log; false: it takes nothing now, ask again later */
  tell(happening: EgressHappening): boolean;
  /** for the people who are connected */
  notice(text: string): void;
  counts: EgressCounts;
}

interface Refused {
  say(count: number): EgressHappening;
  /** since it was last told */
  waiting: number;
}

interface Used {
  host: string;
  port: number;
  connections: number;
  sent: number;
  received: number;
}

/** What one workspace's way out refused and let through, told at most once a minute for each place. */
export class Trail {
  readonly #context: TrailContext;
  readonly #refused = new Map<string, Refused>();
  readonly #used = new Map<string, Used>();
  readonly #open = new Map<Socket, { used: Used; sent: number; received: number }>();
  #cancelMinute: (() => void) | null = null;
  #cancelUse: () => void;

  constructor(context: TrailContext) {
    this.#context = context;
    this.#cancelUse = this.#planUse();
  }

  /** A host, or what a program took for one. */
  refused(host: string, port: number | null, why: string): void {
    const place = printable(host);
    this.#refuse(`host ${place}`, place, why, (key, count) => ({
      what: 'refused',
      host: key,
      port: key === REST ? null : port,
      why,
      count,
    }));
  }

  repositoryRefused(repository: string, service: 'fetch' | 'push' | 'other', why: string): void {
    const place = printable(repository);
    this.#refuse(`repository ${place}`, `${service} ${place}`, why, (key, count) => ({
      what: 'git-refused',
      repository: key === REST ? REST : place,
      service,
      why,
      count,
    }));
  }

  /** @returns false when it can't be recorded, and so must not happen */
  git(happening: Extract<EgressHappening, { what: 'git-fetch' | 'git-push' }>): boolean {
    return this.#context.tell(happening);
  }

  /** Counts what goes through a connection to that host. */
  follow(socket: Socket, host: string, port: number): void {
    const used = this.#usedOf(host, port);
    this.#context.counts.connections += 1;
    used.connections += 1;
    this.#open.set(socket, { used, sent: 0, received: 0 });
    socket.once('close', () => {
      this.#count(socket);
      this.#open.delete(socket);
    });
  }

  /** Cuts what is still open and tells what was not told yet. */
  close(): void {
    this.#cancelUse();
    this.#cancelMinute?.();
    for (const socket of [...this.#open.keys()]) {
      this.#count(socket);
      this.#open.delete(socket);
      socket.destroy();
    }
    this.#tellUse();
    for (const refused of this.#refused.values()) if (refused.waiting > 0) this.#context.tell(refused.say(refused.waiting));
    this.#refused.clear();
  }

  #refuse(what: string, wanted: string, why: string, say: (key: string, count: number) => EgressHappening): void {
    this.#context.counts.refused += 1;
    const key = this.#refused.has(wanted) || this.#refused.size < MOST_PLACES ? wanted : REST;
    const known = this.#refused.get(key);
    if (known !== undefined) {
      known.waiting += 1;
      return;
    }
    const told = this.#context.tell(say(key, 1));
    this.#refused.set(key, { say: (count) => say(key, count), waiting: told ? 0 : 1 });
    if (key !== REST) this.#context.notice(hintOf(what, why));
    this.#cancelMinute ??= this.#planMinute();
  }

  #planMinute(): () => void {
    return this.#context.clock.after(MINUTE_MS, () => this.#minute());
  }

  /** What came again within the minute is told with its count, and goes on for another one. */
  #minute(): void {
    for (const [key, refused] of this.#refused) {
      if (refused.waiting === 0) this.#refused.delete(key);
      else if (this.#context.tell(refused.say(refused.waiting))) refused.waiting = 0;
    }
    this.#cancelMinute = this.#refused.size === 0 ? null : this.#planMinute();
  }

  #usedOf(host: string, port: number): Used {
    const place = this.#used.size < MOST_HOSTS || this.#used.has(`${host}:${port}`) ? { host, port } : { host: REST, port: 0 };
    const key = `${place.host}:${place.port}`;
    const known = this.#used.get(key) ?? { ...place, connections: 0, sent: 0, received: 0 };
    this.#used.set(key, known);
    return known;
  }

  #count(socket: Socket): void {
    const seen = this.#open.get(socket);
    if (seen === undefined) return;
    const { used } = seen;
    used.sent += socket.bytesWritten - seen.sent;
    used.received += socket.bytesRead - seen.received;
    this.#open.set(socket, { used, sent: socket.bytesWritten, received: socket.bytesRead });
  }

  #planUse(): () => void {
    return this.#context.clock.after(USE_EVERY_MS, () => {
      for (const socket of this.#open.keys()) this.#count(socket);
      this.#tellUse();
      this.#cancelUse = this.#planUse();
    });
  }

  #tellUse(): void {
    for (const used of this.#used.values()) {
      if (used.connections === 0 && used.sent === 0 && used.received === 0) continue;
      if (!this.#context.tell({ what: 'used', ...used })) return;
      Object.assign(used, { connections: 0, sent: 0, received: 0 });
    }
    const busy = new Set([...this.#open.values()].map(({ used }) => used));
    for (const [key, used] of this.#used) if (used.connections === 0 && !busy.has(used)) this.#used.delete(key);
  }
}
