import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { newId } from '@gatehouse/core/ids.ts';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { openSealed } from '@gatehouse/core/protocol/sealed-box.ts';
import type { SnapshotCause, SnapshotOrder } from '@gatehouse/core/protocol/snapshot.ts';
import type { Clock } from '../connection/clock.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import type { AgreementKey } from '../state/keys.ts';
import { restoreHome } from './bring.ts';
import { Forgotten, makeSnapshot, rootOf, type Made, type SnapshotPlan } from './make.ts';
import { loadManifest, loadNotes, saveManifest, saveNotes, type Notes } from './notes.ts';
import { healHome, homeIn, sweepAside } from './place.ts';
import { pause, RemoteRefused, type Remote } from './remote.ts';
import { SnapshotKeys } from './sealing.ts';

/** Sealed bytes a second: people work through the same line. */
const RATE = 16 * 1024 * 1024;
const LOOK_EVERY_MS = 5 * 60_000;
const HOUR_MS = 3600_000;
const MOST_ERROR = 500;

export interface SnapshotsContext {
  remote: Remote;
  clock: Clock;
  log: Log;
  agreement: AgreementKey;
  runnerId: string;
  tenantId: string;
}

/** Of one workspace: where its home is, and whether its programs run. */
export interface Subject {
  folder: string;
  isRunning(): boolean;
}

interface Job {
  id: string;
  cause: SnapshotCause;
}

/** What is known of one workspace. */
interface Desk extends Subject {
  workspaceId: string;
  name: string;
  order: SnapshotOrder;
  notes: Notes;
  waiting: Job[];
  /** when its home was last looked at */
  lookedAt: number;
  /** times that it stopped: one in the middle of a snapshot shows */
  stops: number;
}

/** Makes the snapshots of this machine's workspaces, one after another, and restores their homes. */
export class Snapshots {
  readonly #context: SnapshotsContext;
  readonly #desks = new Map<string, Desk>();
  #current: { desk: Desk; abort: AbortController; over: Promise<void> } | null = null;
  #stopped = false;
  #freeAt = 0;
  #cancelLook: () => void = () => undefined;

  constructor(context: SnapshotsContext) {
    this.#context = context;
    this.#lookLater();
  }

  /** Takes what is wanted of a workspace's snapshots now. */
  want({ workspaceId, name, snapshots }: WorkspaceOrder, subject: Subject): void {
    if (snapshots === undefined) return void this.#desks.delete(workspaceId);
    const now = this.#context.clock.now();
    const desk = this.#desks.get(workspaceId) ?? {
      ...{ ...subject, isRunning: () => subject.isRunning(), workspaceId, waiting: [], lookedAt: now, stops: 0 },
      notes: loadNotes(subject.folder),
    };
    const taken: Desk = Object.assign(desk, { name, order: snapshots });
    this.#desks.set(workspaceId, taken);
    const { pending, last } = taken.notes;
    // Killed in the middle, it goes on where it was: what is stored is not sent again.
    if (pending !== null && (snapshots.automatic || pending.id === snapshots.asked)) this.#enqueue(taken, pending);
    if (snapshots.asked !== null && snapshots.asked !== last?.id) this.#enqueue(taken, { id: snapshots.asked, cause: 'asked' });
  }

  /** A workspace has stopped: its home is at rest. */
  stopped(workspaceId: string): void {
    const desk = this.#desks.get(workspaceId);
    if (desk === undefined) return;
    desk.stops++;
    if (desk.order.automatic) this.#enqueue(desk, { id: this.#newId(), cause: 'stop' });
  }

  /**
   * Makes the home anew if that is wanted and not done yet. Nothing of the workspace may run.
   * @throws Error that says why not; the home is as it was
   */
  async bring(order: WorkspaceOrder, subject: Subject, signal: AbortSignal, progress: (percent: number) => void): Promise<void> {
    const { folder } = subject;
    healHome(folder);
    const wanted = order.snapshots?.restore ?? null;
    const notes = this.#desks.get(order.workspaceId)?.notes ?? loadNotes(folder);
    if (order.snapshots === undefined || wanted === null || wanted.number <= notes.restored) return;
    await this.#breakOff(order.workspaceId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keys = await this.#keysOf(order.workspaceId, order.snapshots);
    const { clock, log, remote } = this.#context;
    log.info(`Restoring the home of ${order.name} from ${wanted.id}`);
    const manifest = await restoreHome({ id: wanted.id, folder, keys, remote, signal, progress, now: clock.now() });
    saveManifest(folder, manifest);
    Object.assign(notes, { pending: null, last: { id: wanted.id, at: clock.now() }, restored: wanted.number });
    saveNotes(folder, notes);
    log.info(`The home of ${order.name} is restored`);
  }

  /** The workspace is deleted, or another runner's: nothing reads its home any more once this resolves. */
  async drop(workspaceId: string): Promise<void> {
    await this.#breakOff(workspaceId);
    this.#desks.delete(workspaceId);
  }

  /** Breaks off what is under way; the next runner goes on with it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelLook();
    this.#current?.abort.abort();
    await this.#current?.over;
  }

  #newId = () => newId('snapshot', this.#context.clock.now(), randomBytes(16));

  #enqueue(desk: Desk, job: Job): void {
    const isThere = desk.waiting.some((each) => each.id === job.id || (job.cause !== 'asked' && each.cause === job.cause));
    if (isThere || (this.#current?.desk === desk && desk.notes.pending?.id === job.id)) return;
    desk.waiting.push(job);
    this.#next();
  }

  #next(): void {
    if (this.#current !== null || this.#stopped) return;
    const desk = [...this.#desks.values()].find(({ waiting }) => waiting.length > 0);
    const job = desk?.waiting.shift();
    if (desk === undefined || job === undefined) return;
    const abort = new AbortController();
    const over = this.#work(desk, job, abort.signal)
      .catch((error: unknown) => this.#context.log.error(`Snapshot of ${desk.name}: ${messageOf(error)}`))
      .finally(() => {
        this.#current = null;
        this.#next();
      });
    this.#current = { desk, abort, over };
  }

  async #breakOff(workspaceId: string): Promise<void> {
    const desk = this.#desks.get(workspaceId);
    if (desk !== undefined) desk.waiting = [];
    if (this.#current?.desk.workspaceId !== workspaceId) return;
    this.#current.abort.abort();
    await this.#current.over;
  }

  async #work(desk: Desk, job: Job, signal: AbortSignal): Promise<void> {
    const { log, remote, clock } = this.#context;
    desk.lookedAt = clock.now();
    this.#note(desk, { pending: job });
    try {
      // What is to be replaced, or is not here yet, is no home to keep.
      if ((desk.order.restore?.number ?? 0) > desk.notes.restored) throw new Error('The home is to be restored first');
      if (!existsSync(homeIn(desk.folder))) throw new Error('The workspace has no home yet: start it once');
      const stops = desk.stops;
      const wasRunning = desk.isRunning();
      const made = await this.#make(desk, job, signal);
      if (made !== null) {
        const isExact = !wasRunning && !desk.isRunning() && stops === desk.stops;
        await remote.end(job.id, { ...factsOf(made), isExact }, signal);
        saveManifest(desk.folder, made.manifest);
        log.info(`Snapshot of ${desk.name}: ${made.reading.files} files, ${made.sent} bytes sent`);
      }
      this.#note(desk, { pending: null, ...(made === null ? {} : { last: { id: job.id, at: clock.now() } }) });
    } catch (error) {
      if (signal.aborted) return;
      this.#note(desk, { pending: null });
      log.warn(`Snapshot of ${desk.name} failed: ${messageOf(error)}`);
      await this.#tellFailed(job, messageOf(error), signal);
    }
  }

  async #make(desk: Desk, job: Job, signal: AbortSignal): Promise<Made | null> {
    const { workspaceId, order, folder } = desk;
    const { remote, clock } = this.#context;
    const manifest = loadManifest(folder);
    const plan: SnapshotPlan = {
      ...{ ...job, workspaceId, home: homeIn(folder), ignore: order.ignore, remote, signal },
      keys: await this.#keysOf(workspaceId, order),
      last: manifest === null ? null : { manifest, root: rootOf(manifest) },
      pace: (bytes) => {
        const now = clock.now();
        this.#freeAt = Math.max(now, this.#freeAt) + (bytes / RATE) * 1000;
        return this.#freeAt - now < 1000 ? Promise.resolve() : pause(clock, this.#freeAt - now, signal);
      },
    };
    return makeSnapshot(plan).catch((error: unknown) => {
      if (!(error instanceof Forgotten)) throw error;
      saveManifest(folder, null);
      return makeSnapshot({ ...plan, last: null });
    });
  }

  async #tellFailed({ id, cause }: Job, error: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#context.remote.end(id, { outcome: 'failed', error: error.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MOST_ERROR) }, signal);
    } catch (refused) {
      // Nothing was said of it yet, or the service is what fails.
      if (!(refused instanceof RemoteRefused)) this.#context.log.warn(`Snapshot ${id} (${cause}): ${messageOf(refused)}`);
    }
  }

  async #keysOf(workspaceId: string, order: SnapshotOrder): Promise<SnapshotKeys> {
    const { agreement, runnerId, tenantId } = this.#context;
    const key = await openSealed(await agreement(), { purpose: 'snapshot-key', about: [runnerId, workspaceId] }, order.key);
    return new SnapshotKeys(key, { tenantId, workspaceId });
  }

  #note(desk: Desk, change: Partial<Notes>): void {
    Object.assign(desk.notes, change);
    saveNotes(desk.folder, desk.notes);
  }

  #lookLater(): void {
    this.#cancelLook = this.#context.clock.after(LOOK_EVERY_MS, () => {
      this.#look();
      if (!this.#stopped) this.#lookLater();
    });
  }

  /** Those that run for as long as is said get one; homes that were put aside long ago go. */
  #look(): void {
    const now = this.#context.clock.now();
    for (const desk of this.#desks.values()) {
      const { everyHours, automatic } = desk.order;
      const isDue = everyHours !== null && now - desk.lookedAt >= everyHours * HOUR_MS;
      if (automatic && isDue && desk.isRunning()) this.#enqueue(desk, { id: this.#newId(), cause: 'schedule' });
      sweepAside(desk.folder, now).catch((error: unknown) =>
        this.#context.log.warn(`An old home of ${desk.name} stays: ${messageOf(error)}`),
      );
    }
  }
}

const factsOf = ({ reading, manifest, sent }: Made) => ({
  outcome: 'done' as const,
  ...{ files: reading.files, bytes: reading.bytes, sent },
  chunks: new Set(manifest.map(({ id }) => Buffer.from(id).toString('base64url'))).size,
  changed: { count: reading.changed.count, names: reading.changed.names },
  leftOut: { count: reading.leftOut.count, names: reading.leftOut.names },
});
